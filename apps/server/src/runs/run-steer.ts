import { AppError } from "@windshift/contract/app-error.ts";
import type { RunId } from "@windshift/contract/ids.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import type { Database } from "../db/database.ts";
import { lockRun } from "./run-fence.ts";
import { addMessage } from "./run-messages.ts";
import { resumeRun } from "./run-resume.ts";

/**
 * Queues a person's message for the agent of an active run; a run that waits for an answer goes on with it, one that waits
 * for its budget keeps it.
 * @throws AppError `conflict` when the run has ended
 */
export async function steerRun(
  database: Database,
  runId: RunId,
  author: string,
  text: string,
): Promise<void> {
  await database.transaction(async (tx) => {
    const run = await lockRun(database, tx, runId);
    if (run === undefined) throw new AppError("not_found", `run ${runId} does not exist`);
    if (isTerminal(run.status))
      throw new AppError("conflict", `run ${runId} has ended; rerun the item to start another`);
    await addMessage(database, tx, { run: runId, author, kind: "steer", body: text });
    await resumeRun(database, tx, runId, "needs_info");
  });
  await database.signals.notify(`run:${runId}`);
  await database.signals.notify("queue");
}
