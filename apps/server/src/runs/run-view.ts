import { PullRequestState } from "@windshift/contract/api/pull-request.ts";
import type { AgentRun, AgentRunDetail } from "@windshift/contract/api/run.ts";
import { runBranch } from "@windshift/contract/ids.ts";
import type { Database, Queries } from "../db/database.ts";
import { isoTime } from "../http/json.ts";
import { listUsed } from "../skills/run-skill-store.ts";
import { branchRunOf, type Run } from "./run.ts";
import { listAttempts } from "./run-attempts.ts";
import { readFlags } from "./run-flag-view.ts";
import { listMessages } from "./run-messages.ts";
import { readNamesOf } from "./run-names.ts";
import { findOutput } from "./run-output-store.ts";
import { listSteps } from "./run-publishing-store.ts";
import { canRepublish } from "./run-republish.ts";
import { whyQueued } from "./why-queued.ts";

/** A run as the API shows it. */
export async function viewRun(database: Database, run: Run): Promise<AgentRun> {
  const [view] = await viewRuns(database, [run]);
  return view as AgentRun;
}

/** Runs in their order. What is looked up for each by itself is asked of few: those that are queued and those that failed. */
export async function viewRuns(database: Database, runs: readonly Run[]): Promise<AgentRun[]> {
  if (runs.length === 0) return [];
  const db = database.kysely;
  const namesOf = await readNamesOf(db, runs);
  const pullRequestOf = await readPullRequests(db, runs);
  const flagsOf = await readFlags(db, runs);
  return Promise.all(
    runs.map(async (run) => {
      const names = namesOf(run);
      return {
        id: run.id,
        item_key: names.itemKey,
        item_title: names.itemTitle,
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
        base_branch: run.grants?.base_branch ?? null,
        base_oid: run.base_oid,
        head_oid: run.head_oid,
        model: run.grants?.model ?? null,
        summary: run.summary,
        pull_request: pullRequestOf(run),
        can_publish_again: await canRepublish(db, run),
        queued_because: run.status === "queued" ? await whyQueued(database, run) : null,
        cancel_requested: run.cancel_requested_at_ms !== null,
        flags: flagsOf(run),
        transcript: run.transcript_state ?? "stored",
        created_at: isoTime(run.created_at_ms),
        started_at: timeOf(run.started_at_ms),
        ended_at: timeOf(run.ended_at_ms),
      };
    }),
  );
}

/** All of a run that the page of a run shows; its events are asked for by themselves. */
export async function viewRunDetail(database: Database, run: Run): Promise<AgentRunDetail> {
  const db = database.kysely;
  const messages = await listMessages(db, run.id);
  const output = await findOutput(db, run.id);
  return {
    ...(await viewRun(database, run)),
    grants: viewGrants(run),
    attempts: await listAttempts(db, run.id),
    files_changed: output?.files ?? null,
    files_more: output?.more ?? 0,
    skills: await listUsed(db, run.id),
    plan: run.plan,
    has_patch: output?.hasPatch ?? false,
    messages: messages.map(({ created_at_ms, ...message }) => ({
      ...message,
      created_at: isoTime(created_at_ms),
    })),
    steps: await listSteps(db, run.id),
  };
}

function viewGrants({ grants }: Run): AgentRunDetail["grants"] {
  if (grants === null) return null;
  const { owner, repo, base_branch, model, fallbacks, image, limits, push } = grants;
  return {
    repository: `${owner}/${repo}`,
    base_branch,
    model,
    fallback_models: fallbacks.map((fallback) => fallback.model),
    image,
    limits,
    push,
  };
}

/** The pull requests of the runs' branches. */
async function readPullRequests(
  db: Queries,
  runs: readonly Run[],
): Promise<(run: Run) => AgentRun["pull_request"]> {
  const rows = await db
    .selectFrom("pull_requests")
    .select(["id", "number", "url", "state", "draft", "sync_problem", "run_id"])
    .where("run_id", "in", [...new Set(runs.map(branchRunOf))])
    .execute();
  return (run) => {
    const found = rows.find(({ run_id }) => run_id === branchRunOf(run));
    if (found === undefined) return null;
    const { run_id: _, ...row } = found;
    return { ...row, state: PullRequestState.parse(row.state), draft: row.draft === 1 };
  };
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
