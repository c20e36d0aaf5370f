import { ATTEMPTS_MAX } from "@windshift/contract/limits.ts";
import { afterCommit } from "../db/after-commit.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { tellRunEnded } from "../notifications/run-news.ts";
import { branchRunOf, type Ending, type Run } from "./run.ts";
import { endAttempt } from "./run-attempts.ts";
import { createRun, type RunDefaults } from "./run-create.ts";
import { findUnreadAuthor, isCalledFromForge, moveUnreadMessages } from "./run-messages.ts";
import { startPublishing } from "./run-publishing-store.ts";
import { resumeRun } from "./run-resume.ts";
import { salvageResult } from "./run-salvage.ts";

/** Ended at once by a person, without the runner's word. */
export interface Killed {
  status: "killed";
  reason: "canceled";
  detail: string;
}

/**
 * Ends a run of the given attempt (or parks it as `waiting`). The first ending wins: one that has ended stays as it is.
 * Messages the agent did not read start a follow-up run in the same transaction, unless the run was canceled: then they stay
 * on it, shown as not read.
 * @param run locked by the caller
 * @returns whether this call ended it
 */
export async function endRun(
  database: Database,
  tx: Queries,
  run: Run,
  ending: Ending | Killed,
  defaults: RunDefaults,
): Promise<boolean> {
  const waiting = ending.status === "waiting";
  const ended = await tx
    .updateTable("runs")
    .set({
      ...ending,
      phase: null,
      runner_id: null,
      lease_expires_at_ms: null,
      publishing_until_ms: null,
      not_before_ms: null,
      forge_wait_since_ms: null,
      ended_at_ms: waiting ? null : dbNowMs(database.engine),
    })
    .where("id", "=", run.id)
    .where("attempt", "=", run.attempt)
    .where("status", "in", ["queued", "running", "waiting"])
    .returning("id")
    .executeTakeFirst();
  if (ended === undefined) return false;
  await endAttempt(database, tx, run, ending.status);
  afterCommit(tx, () => database.figures?.runEnded(ending.status, ending.reason, run.id));
  // What was said while it ended has answered it already.
  if (waiting && (await findUnreadAuthor(tx, run.id)) !== undefined)
    await resumeRun(database, tx, run.id, "needs_info");
  await tellRunEnded(database, tx, run.id);
  if (ending.status === "succeeded" || ending.status === "failed")
    await startFollowUp(database, tx, run, defaults);
  return true;
}

async function startFollowUp(
  database: Database,
  tx: Queries,
  run: Run,
  defaults: RunDefaults,
): Promise<void> {
  const requestedBy = await findUnreadAuthor(tx, run.id);
  if (requestedBy === undefined) return;
  const fromForge = await isCalledFromForge(tx, run.id);
  const next = await createRun(
    database,
    tx,
    {
      workspaceId: run.workspace_id,
      workItemId: run.work_item_id,
      agentUserId: run.agent_user_id,
      trigger: fromForge ? "pr_comment" : run.trigger_kind,
      requestedBy,
      // Who wrote on a pull request asked for commits on its branch.
      branchRunId: fromForge ? branchRunOf(run) : (run.branch_run_id ?? undefined),
      chosen: run.grants?.chosen,
    },
    defaults,
  );
  await moveUnreadMessages(tx, run.id, next);
}

/**
 * Ends the live attempt of a run whose runner is gone. What the attempt had already pushed is put up for review; else
 * the run goes back to the queue, or fails when it was lost too often.
 * @param run the live attempt, locked by the caller
 * @param why ends the sentence "interrupted because …"
 */
export async function interruptAttempt(
  database: Database,
  tx: Queries,
  run: Run,
  why: string,
  defaults: RunDefaults,
): Promise<"canceled" | "publishing" | "failed" | "queued"> {
  if (run.cancel_requested_at_ms !== null) {
    await endRun(database, tx, run, { status: "canceled", reason: "canceled", detail: null }, defaults);
    return "canceled";
  }
  if (run.pushed_oid !== null) {
    await startPublishing(database, tx, run, await salvageResult(tx, run));
    return "publishing";
  }
  const interruptions = run.interruptions + 1;
  if (interruptions >= ATTEMPTS_MAX) {
    const detail = `Interrupted ${interruptions} times, the last time because ${why}. Rerun it when the cause is mended.`;
    await endRun(database, tx, run, { status: "failed", reason: "attempts_exhausted", detail }, defaults);
    return "failed";
  }
  await endAttempt(database, tx, run, "interrupted");
  await tx
    .updateTable("runs")
    .set({
      status: "queued",
      phase: null,
      runner_id: null,
      lease_expires_at_ms: null,
      interruptions,
      detail: `Attempt ${run.attempt} was interrupted because ${why}.`,
    })
    .where("id", "=", run.id)
    .where("attempt", "=", run.attempt)
    .execute();
  return "queued";
}
