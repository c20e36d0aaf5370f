import { ATTEMPTS_MAX } from "@windshift/contract/limits.ts";
import type { Database } from "../db/database.ts";
import type { Run } from "./run.ts";
import type { RunDefaults } from "./run-create.ts";
import { endRun } from "./run-end.ts";
import { lockRun } from "./run-fence.ts";

/** A claim that was rolled back because no job could be made of its run. */
export class ClaimFault extends Error {
  override readonly name = "ClaimFault";
  constructor(
    readonly run: Run,
    cause: unknown,
  ) {
    super(`run ${run.id} could not be made into a job`, { cause });
  }
}

/**
 * Counts a faulty claim as an attempt, so that one broken run cannot hold up its pool: after ATTEMPTS_MAX of them it
 * fails, and until then it is taken again in its turn.
 * @param run as the rolled-back claim saw it
 */
export async function spendAttempt(database: Database, run: Run, defaults: RunDefaults): Promise<void> {
  await database.transaction(async (tx) => {
    const queued = await lockRun(database, tx, run.id);
    if (queued?.status !== "queued" || queued.attempt !== run.attempt - 1) return;
    await tx.updateTable("runs").set({ attempt: run.attempt }).where("id", "=", run.id).execute();
    if (run.attempt < ATTEMPTS_MAX) return;
    const detail = `It could not be started in ${run.attempt} tries; the server log says why.`;
    await endRun(database, tx, run, { status: "failed", reason: "internal", detail }, defaults);
  });
  await database.signals.notify(`run:${run.id}`);
}
