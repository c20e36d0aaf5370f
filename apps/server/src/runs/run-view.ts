import { PullRequestState } from "@windshift/contract/api/pull-request.ts";
import type { AgentRun, AgentRunDetail } from "@windshift/contract/api/run.ts";
import { runBranch } from "@windshift/contract/ids.ts";
import type { Database, Queries } from "../db/database.ts";
import { isoTime } from "../http/json.ts";
import { branchRunOf, type Run } from "./run.ts";
import { listMessages } from "./run-messages.ts";
import { readRunNames } from "./run-names.ts";
import { listSteps } from "./run-publishing-store.ts";
import { canRepublish } from "./run-republish.ts";
import { whyQueued } from "./why-queued.ts";

/** A run as the API shows it. */
export async function viewRun(database: Database, run: Run): Promise<AgentRun> {
  const names = await readRunNames(database.kysely, run);
  return {
    id: run.id,
    item_key: names.itemKey,
    agent: { user_id: run.agent_user_id, name: names.agent },
    requested_by: { user_id: run.requested_by, name: names.requestedBy },
    trigger: run.trigger_kind,
    status: run.status,
    phase: run.phase,
    reason: run.reason,
    detail: run.detail,
    attempt: run.attempt,
    isolation: run.isolation,
    branch: runBranch(branchRunOf(run)),
    base_oid: run.base_oid,
    head_oid: run.head_oid,
    model: run.grants?.model ?? null,
    summary: run.summary,
    pull_request: await viewPullRequest(database.kysely, run),
    can_publish_again: await canRepublish(database.kysely, run),
    queued_because: run.status === "queued" ? await whyQueued(database, run) : null,
    cancel_requested: run.cancel_requested_at_ms !== null,
    created_at: isoTime(run.created_at_ms),
    started_at: run.started_at_ms === null ? null : isoTime(run.started_at_ms),
    ended_at: run.ended_at_ms === null ? null : isoTime(run.ended_at_ms),
  };
}

/** The pull request of the run's branch. */
async function viewPullRequest(db: Queries, run: Run): Promise<AgentRun["pull_request"]> {
  const row = await db
    .selectFrom("pull_requests")
    .select(["id", "number", "url", "state", "draft", "sync_problem"])
    .where("run_id", "=", branchRunOf(run))
    .executeTakeFirst();
  if (row === undefined) return null;
  return { ...row, state: PullRequestState.parse(row.state), draft: row.draft === 1 };
}

export async function viewRunDetail(database: Database, run: Run): Promise<AgentRunDetail> {
  const messages = await listMessages(database.kysely, run.id);
  return {
    ...(await viewRun(database, run)),
    messages: messages.map(({ created_at_ms, ...message }) => ({
      ...message,
      created_at: isoTime(created_at_ms),
    })),
    steps: await listSteps(database.kysely, run.id),
  };
}
