import { z } from "zod";
import { StoredEvent } from "../event.ts";
import { UserId } from "../ids.ts";
import { RUN_MESSAGE_BYTES_MAX } from "../limits.ts";
import { Isolation, RunPhase, RunReason, RunStatus, TriggerKind } from "../run.ts";
import { longText } from "../text.ts";
import { PullRequestState } from "./pull-request.ts";
import { BudgetNeed, BudgetView, UsageSum } from "./usage.ts";

/** Why a queued run has not started. */
export const QueuedBecause = z.object({
  reason: z.enum([
    "no_live_runner",
    "no_runner_with_labels",
    "draining",
    "forge_busy",
    "pool_full",
    "runners_full",
    "behind_others",
    "next",
  ]),
  ahead: z.int().min(0),
  text: z.string(),
});

export const AgentRun = z.object({
  id: z.int().positive(),
  item_key: z.string(),
  agent: z.object({ user_id: z.string(), name: z.string() }),
  requested_by: z.object({ user_id: z.string(), name: z.string() }),
  trigger: TriggerKind,
  status: RunStatus,
  phase: RunPhase.nullable(),
  reason: RunReason.nullable(),
  /** A sentence for people: what happened and what to do. */
  detail: z.string().nullable(),
  /** 0 until the first claim. */
  attempt: z.int().min(0),
  /** `unsandboxed` is shown as unsafe; null until an attempt has reported. */
  isolation: Isolation.nullable(),
  branch: z.string(),
  base_oid: z.string().nullable(),
  head_oid: z.string().nullable(),
  model: z.string().nullable(),
  summary: z.string().nullable(),
  /** Of the run's branch. `url` is its page on the forge; null for one of the server's own, at /pull-requests/{id}. */
  pull_request: z
    .object({
      id: z.int(),
      number: z.int(),
      url: z.string().nullable(),
      state: PullRequestState,
      draft: z.boolean(),
      /** What the forge said when its state was last asked for in vain: a sentence, null when it was read. */
      sync_problem: z.string().nullable(),
    })
    .nullable(),
  /** The pull request could not be opened; POST /api/v1/agent-runs/{id}/publish tries again. */
  can_publish_again: z.boolean(),
  queued_because: QueuedBecause.nullable(),
  cancel_requested: z.boolean(),
  created_at: z.iso.datetime(),
  started_at: z.iso.datetime().nullable(),
  ended_at: z.iso.datetime().nullable(),
});
export type AgentRun = z.infer<typeof AgentRun>;

export const AgentRunList = z.object({ runs: z.array(AgentRun) });
export type AgentRunList = z.infer<typeof AgentRunList>;

/** Messages to a run: further triggers and steering, with what became of them. */
export const AgentRunMessage = z.object({
  id: z.int().positive(),
  author: z.string(),
  /** `outside`: written on a forge; the body says by whom, the author is the member who stands for them. */
  kind: z.enum(["trigger", "steer", "outside"]),
  body: z.string(),
  status: z.enum(["queued", "delivered", "acknowledged"]),
  created_at: z.iso.datetime(),
});
export const AgentRunDetail = AgentRun.extend({
  messages: z.array(AgentRunMessage),
  /** What the server does after the result, in order. */
  steps: z.array(
    z.object({
      step: z.string(),
      status: z.enum(["pending", "done", "failed"]),
      tries: z.int(),
      detail: z.string().nullable(),
    }),
  ),
});
export type AgentRunDetail = z.infer<typeof AgentRunDetail>;

export const AgentRunUsage = UsageSum.extend({
  models: z.array(UsageSum.extend({ connection_id: z.int().nullable(), model: z.string() })),
  /** Those that have a limit. */
  budgets: z.array(BudgetView),
  /** The budget that a waiting run waits for. */
  short: BudgetNeed.nullable(),
});
export type AgentRunUsage = z.infer<typeof AgentRunUsage>;

export const EventPage = z.object({
  events: z.array(StoredEvent),
  /** Give it as `after` for the next page; the same as asked when there was nothing new. */
  next_after: z.int().min(0),
  /** No further event will come: the run has ended and this is its last page. */
  ended: z.boolean(),
});
export type EventPage = z.infer<typeof EventPage>;

export const CancelRun = z.strictObject({ force: z.boolean().default(false) });
export type CancelRun = z.infer<typeof CancelRun>;
/** `agent_user_id` chooses among several agents; without it the agent of the last run, else the assignee. */
export const Rerun = z.strictObject({
  agent_user_id: UserId.optional(),
  instruction: longText(RUN_MESSAGE_BYTES_MAX).optional(),
});
export type Rerun = z.infer<typeof Rerun>;
export const NewRunMessage = z.strictObject({
  text: longText(RUN_MESSAGE_BYTES_MAX).refine((text) => text.trim() !== "", "a message needs some text"),
});
export type NewRunMessage = z.infer<typeof NewRunMessage>;
