import { type Database, dbNowMs, type Queries } from "../db/database.ts";

/**
 * Puts a run that waited for a person back into the queue; its next attempt gets the messages in its prompt, and its
 * interruptions are counted anew.
 * @returns false when it does not wait (any more); then nothing is changed
 */
export async function resumeRun(database: Database, tx: Queries, run: number): Promise<boolean> {
  const row = await tx
    .updateTable("runs")
    .set({ status: "queued", reason: null, detail: null, result: null, interruptions: 0 })
    .where("id", "=", run)
    .where("status", "=", "waiting")
    .returning("id")
    .executeTakeFirst();
  if (row === undefined) return false;
  await tx
    .updateTable("run_steps")
    .set({ status: "pending", tries: 0, detail: null, updated_at_ms: dbNowMs(database.engine) })
    .where("run_id", "=", run)
    .execute();
  return true;
}
