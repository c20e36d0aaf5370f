import { ATTEMPTS_MAX } from "@windshift/contract/limits.ts";
import { type Database, dbNowMs } from "../db/database.ts";

/** A claim that was rolled back because no job could be made of its run. */
export class ClaimFault extends Error {
  override readonly name = "ClaimFault";
  /** @param attempt as the rolled-back claim numbered it */
  constructor(
    readonly run: number,
    readonly attempt: number,
    cause: unknown,
  ) {
    super(`run ${run} could not be made into a job`, { cause });
  }
}

/**
 * Counts a faulty claim as an attempt, so that one broken run cannot hold up its pool: after ATTEMPTS_MAX of them it
 * fails, and until then it is taken again in its turn. Reads nothing of the row that could be what is broken.
 */
export async function spendAttempt(database: Database, { run, attempt }: ClaimFault): Promise<void> {
  const detail = `It could not be started in ${ATTEMPTS_MAX} tries; the server log says why.`;
  const queued = database.kysely
    .updateTable("runs")
    .where("id", "=", run)
    .where("status", "=", "queued")
    .where("attempt", "=", attempt - 1);
  const now = dbNowMs(database.engine);
  const failed = await queued
    .set({ attempt, status: "failed", reason: "internal", detail, ended_at_ms: now })
    .where("interruptions", ">=", ATTEMPTS_MAX - 1)
    .returning("id")
    .executeTakeFirst();
  if (failed === undefined) {
    await queued.set((eb) => ({ attempt, interruptions: eb("interruptions", "+", 1) })).execute();
  }
  await database.signals.notify(`run:${run}`);
}
