import { z } from "zod";
import { BranchName } from "../branch-name.ts";
import { ChangedFile } from "../changes.ts";
import { StoredEvent } from "../event.ts";
import { UserId } from "../ids.ts";
import { RunLimits } from "../job.ts";
import { RUN_INSTRUCTION_BYTES_MAX, RUN_MESSAGE_BYTES_MAX } from "../limits.ts";
import { Isolation, RunPhase, RunReason, RunStatus, TriggerKind } from "../run.ts";
import { longText } from "../text.ts";
import { ModelId } from "./binding.ts";
import { PullRequestState } from "./pull-request.ts";
import { BudgetNeed, BudgetView, UsageSum } from "./usage.ts";

/** Why a queued run has not started. */
export const QueuedBecause = z.object({
  reason: z.enum([
    "no_live_runner",
    "no_runner_with_labels",
    "draining",
    "pool_closed",
    "forge_busy",
    "pool_full",
    "runners_full",
    "behind_others",
    "next",
  ]),
  ahead: z.int().min(0),
  text: z.string(),
});

/**
 * What a person should know of a run before its result is trusted. `hidden_text`: something that people do not see was taken out of the
 * prompt or stands in it (PI-03). `prompt_cut`: the prompt does not hold all of the item. `review`: a push holds something to look at.
 */
export const RunFlag = z.enum(["hidden_text", "prompt_cut", "review"]);
export type RunFlag = z.infer<typeof RunFlag>;

export const AgentRun = z.object({
  id: z.int().positive(),
  item_key: z.string(),
  item_title: z.string(),
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
  /** Null for a run that was refused before it had any grants. */
  base_branch: z.string().nullable(),
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
  flags: z.array(RunFlag),
  /**
   * `archived`: older than the installation keeps events in its database; /api/v1/agent-runs/{id}/transcript.jsonl still gives them, pages
   * of events are empty. `deleted`: older than it keeps any.
   */
  transcript: z.enum(["stored", "archived", "deleted"]),
  created_at: z.iso.datetime(),
  started_at: z.iso.datetime().nullable(),
  ended_at: z.iso.datetime().nullable(),
});
export type AgentRun = z.infer<typeof AgentRun>;

export const AgentRunList = z.object({ runs: z.array(AgentRun) });
export type AgentRunList = z.infer<typeof AgentRunList>;

/** Newest first. `next_before` is the `before` of the next page, null at the end. */
export const AgentRunPage = AgentRunList.extend({ next_before: z.int().nullable() });
export type AgentRunPage = z.infer<typeof AgentRunPage>;

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
/** One lease of a run. Times are the server's. */
export const RunAttempt = z.object({
  attempt: z.int().positive(),
  /** Name of the runner; null when it was removed. */
  runner: z.string().nullable(),
  claimed_at: z.iso.datetime(),
  /** Null while it goes on. */
  ended_at: z.iso.datetime().nullable(),
  /** `interrupted`: its lease was lost and the run went back to the queue. Null while it goes on. */
  outcome: z.enum(["succeeded", "failed", "waiting", "canceled", "killed", "interrupted"]).nullable(),
  /** In order; the last one has no end while the attempt goes on. */
  phases: z.array(
    z.object({
      phase: RunPhase,
      started_at: z.iso.datetime(),
      ended_at: z.iso.datetime().nullable(),
    }),
  ),
});
export type RunAttempt = z.infer<typeof RunAttempt>;

/** A skill as it was frozen into a run. `sha256` is of its body, as `sha256sum` prints it. */
export const UsedSkill = z.object({
  /** Null when the skill was deleted since. */
  skill_id: z.int().nullable(),
  name: z.string(),
  version: z.int().positive(),
  sha256: z.string(),
  /** When the agent first read it; null when it has not. */
  read_at: z.iso.datetime().nullable(),
});
export type UsedSkill = z.infer<typeof UsedSkill>;

export const AgentRunDetail = AgentRun.extend({
  /** What the run may use, frozen when it was queued; null when it was refused before. */
  grants: z
    .object({
      repository: z.string(),
      base_branch: z.string(),
      model: z.string(),
      fallback_models: z.array(z.string()),
      /** Null: the runner's own image. */
      image: z.string().nullable(),
      limits: RunLimits,
      /** False for a test run: nothing it does leaves its container. */
      push: z.boolean(),
    })
    .nullable(),
  /** Newest last. */
  attempts: z.array(RunAttempt),
  /** Up to RUN_FILES_MAX; null until an attempt has handed over commits. As its runner counted them. */
  files_changed: z.array(ChangedFile).nullable(),
  /** Files beyond those listed. */
  files_more: z.int().min(0),
  skills: z.array(UsedSkill),
  /** What the agent says it is going to do, Markdown; null when it has not said. */
  plan: z.string().nullable(),
  /** A patch can be had at /api/v1/agent-runs/{id}/patch: of a test run, which pushes nothing. */
  has_patch: z.boolean(),
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
/**
 * What a person may choose for one run, beside what the binding says. `model` is one of the binding's own models or one that
 * its connections list; `base_branch` has to exist.
 */
export const RunChoices = z.strictObject({
  instruction: longText(RUN_INSTRUCTION_BYTES_MAX).optional(),
  model: ModelId.optional(),
  base_branch: BranchName.optional(),
});
export type RunChoices = z.infer<typeof RunChoices>;

/** `agent_user_id` chooses among several agents; without it the agent of the last run, else the assignee. */
export const Rerun = RunChoices.extend({
  agent_user_id: UserId.optional(),
  instruction: longText(RUN_MESSAGE_BYTES_MAX).optional(),
});
export type Rerun = z.infer<typeof Rerun>;

/** A private trial of a binding: a run on an item that no list shows, which pushes nothing and leaves a patch. */
export const NewTestRun = z.strictObject({
  instruction: longText(RUN_INSTRUCTION_BYTES_MAX).refine(
    (text) => text.trim() !== "",
    "say what the agent should do, such as: fix the spelling in README.md",
  ),
});
export type NewTestRun = z.infer<typeof NewTestRun>;

/**
 * What the assembly of a prompt did to what people wrote. `where` is `title`, `description`, `comment 12`, `message 3`, `page 4`,
 * `instructions` or `skill NAME`.
 */
export const PromptNote = z.discriminatedUnion("kind", [
  /** Something that people do not see when they read the text. `excerpt`: what it says, cut; empty when it says nothing. */
  z.object({
    kind: z.literal("hidden"),
    where: z.string(),
    what: z.enum([
      "zero_width",
      "bidi",
      "tags",
      "control",
      "html_comment",
      "link_definition",
      "mixed_script",
      "encoded",
    ]),
    count: z.int().positive(),
    /** False: it stands in the prompt as it was, and the prompt says what it is. */
    removed: z.boolean(),
    excerpt: z.string(),
  }),
  /** The end of a text is missing. Bytes. */
  z.object({ kind: z.literal("cut"), where: z.string(), bytes: z.int(), kept: z.int() }),
  /** Comments, messages or pages that are not in the prompt. `old`: did not fit, the oldest first; `outside`: by people who are not in the workspace. */
  z.object({
    kind: z.literal("left_out"),
    what: z.enum(["comments", "messages", "pages"]),
    why: z.enum(["old", "outside"]),
    count: z.int().positive(),
  }),
]);
export type PromptNote = z.infer<typeof PromptNote>;

/** What the newest attempt of a run was told; null before the first claim. */
export const AgentRunPrompt = z.object({ prompt: z.string().nullable(), notes: z.array(PromptNote) });
export type AgentRunPrompt = z.infer<typeof AgentRunPrompt>;
export const NewRunMessage = z.strictObject({
  text: longText(RUN_MESSAGE_BYTES_MAX).refine((text) => text.trim() !== "", "a message needs some text"),
});
export type NewRunMessage = z.infer<typeof NewRunMessage>;
