import { UserKind, type UserRef } from "@windshift/contract/api/user.ts";
import { isTerminal, RunReason, RunStatus } from "@windshift/contract/run.ts";
import { recordActivity } from "../activity/activity-store.ts";
import { announceItems } from "../activity/item-change.ts";
import type { Database, Queries } from "../db/database.ts";
import { excerptOf } from "./excerpt.ts";
import { listFollowers } from "./follower-store.ts";
import { notify } from "./notification-store.ts";

/**
 * Notes on the item that a run was queued or, when it could not start, has failed. In the transaction that stores the run.
 * @param runId just stored
 */
export async function tellRunQueued(database: Database, tx: Queries, runId: number): Promise<void> {
  const run = await readRun(tx, runId);
  await recordActivity(tx, [
    {
      ...placeOf(run),
      actorId: run.requested_by,
      runId,
      change: { kind: "run_queued", agent: agentOf(run) },
    },
  ]);
  announceItems(database, tx, run.workspace_id);
  if (isTerminal(RunStatus.parse(run.status))) await tellEnded(database, tx, run);
}

/** Tells that a run has ended or waits for a person. In the transaction that ends it; locks no item. */
export async function tellRunEnded(database: Database, tx: Queries, runId: number): Promise<void> {
  const run = await readRun(tx, runId);
  announceItems(database, tx, run.workspace_id);
  if (run.status === "waiting") await tellWaiting(database, tx, run);
  else if (isTerminal(RunStatus.parse(run.status))) await tellEnded(database, tx, run);
}

async function tellEnded(database: Database, tx: Queries, run: RunNews): Promise<void> {
  const status = RunStatus.parse(run.status);
  const reason = RunReason.nullable().parse(run.reason);
  await recordActivity(tx, [
    {
      ...placeOf(run),
      actorId: run.cancel_requested_by,
      runId: run.id,
      change: { kind: "run_ended", agent: agentOf(run), status, reason },
    },
  ]);
  const text = excerptOf(
    run.detail === null ? `Run ${run.id} ${WORDS[status]}` : `Run ${run.id} ${WORDS[status]}: ${run.detail}`,
  );
  await notify(database, tx, await listenersOf(tx, run), {
    ...placeOf(run),
    kind: "run_ended",
    // Who canceled it knows.
    actorId: run.cancel_requested_by ?? run.agent_user_id,
    runId: run.id,
    text,
  });
}

async function tellWaiting(database: Database, tx: Queries, run: RunNews): Promise<void> {
  const why = run.detail ?? (run.reason === "budget" ? "its budget is used up" : "it asks a question");
  await notify(database, tx, await listenersOf(tx, run), {
    ...placeOf(run),
    kind: "run_waiting",
    actorId: run.agent_user_id,
    runId: run.id,
    text: excerptOf(`Run ${run.id} waits: ${why}`),
  });
}

const WORDS: Record<RunStatus, string> = {
  queued: "is queued",
  running: "is running",
  waiting: "waits",
  succeeded: "succeeded",
  failed: "failed",
  canceled: "was canceled",
  killed: "was killed",
};

async function listenersOf(tx: Queries, run: RunNews): Promise<string[]> {
  return [run.requested_by, ...(await listFollowers(tx, run.work_item_id))];
}

type RunNews = Awaited<ReturnType<typeof readRun>>;

function readRun(tx: Queries, id: number) {
  return tx
    .selectFrom("runs")
    .innerJoin("user", "user.id", "runs.agent_user_id")
    .select([
      "runs.id",
      "runs.workspace_id",
      "runs.work_item_id",
      "runs.requested_by",
      "runs.cancel_requested_by",
      "runs.status",
      "runs.reason",
      "runs.detail",
      "runs.agent_user_id",
      "user.name as agent_name",
      "user.kind as agent_kind",
    ])
    .where("runs.id", "=", id)
    .executeTakeFirstOrThrow();
}

function placeOf(run: RunNews): { workspaceId: number; workItemId: number } {
  return { workspaceId: run.workspace_id, workItemId: run.work_item_id };
}

function agentOf(run: RunNews): UserRef {
  return { id: run.agent_user_id, name: run.agent_name, kind: UserKind.parse(run.agent_kind) };
}
