import { AppError } from "@windshift/contract/app-error.ts";
import type { RunId } from "@windshift/contract/ids.ts";
import { record } from "../audit/audit-store.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { waitsToPublish } from "./forge-wait.ts";
import type { Run } from "./run.ts";
import { reopenAttempt } from "./run-attempts.ts";
import { lockRun } from "./run-fence.ts";
import { listSteps, resetSteps } from "./run-publishing-store.ts";
import { findActiveRun, getRun } from "./run-store.ts";
import { lockItem } from "./run-triggers.ts";

/** Whether the finishing of a run failed at a step that could be done again, or waits for its forge and could be tried now. */
export async function canRepublish(db: Queries, run: Run): Promise<boolean> {
  if (waitsToPublish(run)) return true;
  if (run.status !== "failed" || run.result === null) return false;
  if (run.reason !== "publish_failed" && run.reason !== "misconfigured") return false;
  return (await listSteps(db, run.id)).some(({ step, status }) => status === "failed" && step !== "reply");
}

/**
 * Does the finishing steps of a run again, from the first: the agent's work is done and its branch stands. Each step looks
 * before it creates, so what was done before is not done twice.
 * @throws AppError `conflict` when there is nothing to be done again, or another run of the agent is active on the item
 */
export async function republishRun(database: Database, runId: RunId, by: string): Promise<void> {
  await database.transaction(async (tx) => {
    // Item before run, as a trigger does it: one beside this either finds the run active, or its own is found below.
    await lockItem(database, tx, (await getRun(tx, runId)).work_item_id);
    const run = await lockRun(database, tx, runId);
    if (run === undefined) throw new AppError("not_found", `run ${runId} does not exist`);
    if (!(await canRepublish(tx, run))) {
      throw new AppError(
        "conflict",
        `run ${runId} did not fail while its result was published; run the item again to start another`,
      );
    }
    const active = await findActiveRun(tx, run.work_item_id, run.agent_user_id);
    if (active !== undefined && active.id !== run.id) {
      throw new AppError(
        "conflict",
        `run ${active.id} of the same agent is active on the item; wait for its end`,
      );
    }
    await tx
      .updateTable("runs")
      .set({
        status: "running",
        phase: "publishing",
        runner_id: null,
        reason: null,
        detail: null,
        ended_at_ms: null,
        publishing_until_ms: null,
        not_before_ms: null,
      })
      .where("id", "=", runId)
      .execute();
    await reopenAttempt(tx, run);
    await resetSteps(tx, runId, dbNowMs(database.engine));
    await tx
      .updateTable("forge_comments")
      .set({ tell_at_ms: 0 })
      .where("message_id", "in", (eb) =>
        eb.selectFrom("run_messages").select("id").where("run_id", "=", runId),
      )
      .execute();
    await record(tx, {
      workspaceId: run.workspace_id,
      actor: { user: by },
      action: "run.published_again",
      subject: `run ${runId}`,
    });
  });
  await database.signals.notify(`run:${runId}`);
  await database.signals.notify("publishing");
}
