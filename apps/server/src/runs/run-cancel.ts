import { AppError } from "@windshift/contract/app-error.ts";
import type { RunId } from "@windshift/contract/ids.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { type Database, dbNowMs } from "../db/database.ts";
import { waitsToPublish } from "./forge-wait.ts";
import type { Run } from "./run.ts";
import type { RunDefaults } from "./run-create.ts";
import { endRun } from "./run-end.ts";
import { lockRun } from "./run-fence.ts";

/**
 * Ends a run by request. A queued or waiting run ends at once. A running one loses its tokens at once and its agent is
 * asked to end; with `force` the run is over right away as `killed`, whatever its runner does. Repeating it is harmless.
 * @throws AppError `conflict` when the run has ended, or its pull request is being opened
 */
export async function cancelRun(
  database: Database,
  runId: RunId,
  by: string,
  force: boolean,
  defaults: RunDefaults,
): Promise<void> {
  await database.transaction(async (tx) => {
    const run = await lockRun(database, tx, runId);
    if (run === undefined) throw new AppError("not_found", `run ${runId} does not exist`);
    refuseEnded(run);
    await tx
      .updateTable("runs")
      .set((eb) => ({
        cancel_requested_at_ms: eb.fn.coalesce("cancel_requested_at_ms", dbNowMs(database.engine)),
        cancel_requested_by: eb.fn.coalesce("cancel_requested_by", eb.val(by)),
      }))
      .where("id", "=", runId)
      .execute();
    if (run.status !== "running" || waitsToPublish(run)) {
      await endRun(database, tx, run, { status: "canceled", reason: "canceled", detail: null }, defaults);
    } else if (force) {
      const detail = "Ended at once by a forced cancel; what the agent had not pushed is lost.";
      await endRun(database, tx, run, { status: "killed", reason: "canceled", detail }, defaults);
    }
  });
  await database.signals.notify(`run:${runId}`);
  await database.signals.notify("queue");
}

function refuseEnded(run: Run): void {
  if (isTerminal(run.status))
    throw new AppError("conflict", `run ${run.id} has ended already (${run.status})`);
  if (run.phase === "publishing" && !waitsToPublish(run)) {
    throw new AppError(
      "conflict",
      `run ${run.id} is finished and its result is being published; close the pull request instead`,
    );
  }
}
