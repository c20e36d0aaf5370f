import type { AgentRun, AgentRunDetail, AgentRunUsage } from "@windshift/contract/api/run.ts";
import { runBranch } from "@windshift/contract/ids.ts";
import type { Database, Queries } from "../db/database.ts";
import { isoTime } from "../http/json.ts";
import type { Run } from "./run.ts";
import { listMessages } from "./run-messages.ts";
import { readRunNames } from "./run-names.ts";
import { listSteps } from "./run-publishing-store.ts";
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
    branch: runBranch(run.id),
    base_oid: run.base_oid,
    head_oid: run.head_oid,
    model: run.grants?.model ?? null,
    summary: run.summary,
    queued_because: run.status === "queued" ? await whyQueued(database, run) : null,
    cancel_requested: run.cancel_requested_at_ms !== null,
    created_at: isoTime(run.created_at_ms),
    started_at: run.started_at_ms === null ? null : isoTime(run.started_at_ms),
    ended_at: run.ended_at_ms === null ? null : isoTime(run.ended_at_ms),
  };
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

/** Sums of what the LLM broker recorded; calls whose usage nobody told are counted, not guessed. */
export async function sumUsage(db: Queries, run: number): Promise<AgentRunUsage> {
  const sums = await db
    .selectFrom("run_usage")
    .select((eb) => [
      eb.fn.countAll<number>().as("calls"),
      eb.fn.count<number>("input_tokens").as("known"),
      eb.fn.coalesce(eb.fn.sum<number>("input_tokens"), eb.lit(0)).as("input_tokens"),
      eb.fn.coalesce(eb.fn.sum<number>("output_tokens"), eb.lit(0)).as("output_tokens"),
    ])
    .where("run_id", "=", run)
    .executeTakeFirstOrThrow();
  return {
    calls: sums.calls,
    input_tokens: Number(sums.input_tokens),
    output_tokens: Number(sums.output_tokens),
    unknown_calls: sums.calls - sums.known,
  };
}
