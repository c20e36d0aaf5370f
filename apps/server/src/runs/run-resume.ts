import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { resetSteps } from "./run-publishing-store.ts";

/** What a run waits for: an answer of a person, or room in a budget. */
export type WaitReason = "needs_info" | "budget";

/**
 * Puts a run that waited back into the queue; its next attempt gets the messages in its prompt, and its interruptions are
 * counted anew.
 * @returns false when it does not wait for that (any more); then nothing is changed
 */
export async function resumeRun(
  database: Database,
  tx: Queries,
  run: number,
  waitedFor: WaitReason,
): Promise<boolean> {
  const row = await tx
    .updateTable("runs")
    .set({ status: "queued", reason: null, detail: null, result: null, interruptions: 0, budget_short: null })
    .where("id", "=", run)
    .where("status", "=", "waiting")
    .where("reason", "=", waitedFor)
    .returning("id")
    .executeTakeFirst();
  if (row === undefined) return false;
  await resetSteps(tx, run, dbNowMs(database.engine));
  return true;
}
