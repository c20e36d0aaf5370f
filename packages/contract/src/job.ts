import { z } from "zod";
import { BranchName } from "./branch-name.ts";
import { Changes, Patch } from "./changes.ts";
import { RunEvent } from "./event.ts";
import { Attempt, Oid, RunId } from "./ids.ts";
import {
  AGENT_TURNS_MAX,
  EVENT_BATCH_MAX,
  RUN_WALL_CLOCK_MS,
  RUN_WALL_CLOCK_MS_MAX,
  SUMMARY_BYTES_MAX,
} from "./limits.ts";
import { AgentOutcome, Isolation, RunReason } from "./run.ts";

/** Limits frozen into a run when it is queued. */
export const RunLimits = z.object({
  wall_clock_ms: z.int().min(1_000).max(RUN_WALL_CLOCK_MS_MAX).default(RUN_WALL_CLOCK_MS),
  turns: z.int().min(1).max(1_000).default(AGENT_TURNS_MAX),
});
export type RunLimits = z.infer<typeof RunLimits>;

/** An image reference as Docker takes it; never an option (no leading `-`), no white space. */
export const ImageReference = z
  .string()
  .max(512)
  .regex(/^[a-z0-9][a-zA-Z0-9._:/@-]*$/, "an image reference such as windshift/agent:local");

/** Environment of the container: names fixed by INTERFACES section 3, values without NUL or line breaks. */
export const ContainerEnv = z.record(
  z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/),
  z
    .string()
    .max(8_192)
    .regex(/^[^\0\r\n]*$/),
);
export type ContainerEnv = z.infer<typeof ContainerEnv>;

/** A path segment of a clone address; no leading `-` or `.`. */
export const RepositorySlug = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, "letters, digits, . _ and -");
/** Who a repository belongs to: one segment, or several for a GitLab group in a group. */
export const RepositoryOwner = z
  .string()
  .max(255)
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/,
    "letters, digits, . _ and -, segments parted by /",
  );
/** A claimed run as the runner sees it. Source: INTERFACES section 4. */
export const JobSpec = z.object({
  run_id: RunId,
  attempt: Attempt,
  lease_expires_at: z.iso.datetime(),
  /** For the container; the agent's token is added by the runner as LLM_API_KEY and WS_TOKEN. */
  env: ContainerEnv,
  initial_prompt: z.string(),
  /** Set when the binding overrides the image; else the runner's own. */
  image: ImageReference.nullable(),
  limits: RunLimits,
  /** False: the commits are not delivered but reported as a patch. The broker would refuse them, whatever a runner does. */
  push: z.boolean().optional(),
  repo: z.object({
    /** Address of the repository behind the git broker, without credentials. */
    clone_url: z.url({ protocol: /^https?$/ }),
    /** Key of the runner's bare cache: no two workspaces share one. */
    cache_key: z.string().regex(/^[a-z0-9-]{1,100}$/),
    base_ref: BranchName,
    /** What `base_ref` pointed at when this attempt was claimed: a host that has it need not ask again. Null when not known. */
    base_oid: Oid.nullable().default(null),
    branch: BranchName,
    /** What the run's branch pointed at when this attempt was claimed; null when it did not exist. The push replaces exactly this. */
    branch_oid: Oid.nullable(),
  }),
  /** Trace Context of W3C: what the runner's spans of this attempt hang from. Absent when the server sends no traces. */
  traceparent: z
    .string()
    .regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)
    .optional(),
  tokens: z.object({ agent: z.string().startsWith("wsrun_"), git: z.string().startsWith("wsrun_") }),
});
export type JobSpec = z.infer<typeof JobSpec>;

export const ClaimReply = z.object({ job: JobSpec.nullable() });
export type ClaimReply = z.infer<typeof ClaimReply>;

export const HeldAttempt = z.object({ run: RunId, attempt: Attempt });
export type HeldAttempt = z.infer<typeof HeldAttempt>;

export const HeartbeatReply = z.object({ abort: z.array(HeldAttempt), queue_depth: z.int().min(0) });
export type HeartbeatReply = z.infer<typeof HeartbeatReply>;

export const EventBatch = z.object({
  attempt: Attempt,
  events: z.array(RunEvent).min(1).max(EVENT_BATCH_MAX),
});
export type EventBatch = z.infer<typeof EventBatch>;

/** The last word of an attempt. The server checks the branch itself; `head_oid` is what the runner believes it pushed. */
export const AttemptResult = z.object({
  attempt: Attempt,
  isolation: Isolation,
  /** What the agent said, null when it said nothing. */
  outcome: AgentOutcome.nullable(),
  summary: z.string().max(SUMMARY_BYTES_MAX),
  /** Null when all went as it should; else why the attempt ended early. Commits may still have been pushed. */
  failure: z.object({ reason: RunReason, detail: z.string().max(8_192) }).nullable(),
  base_oid: Oid.nullable(),
  head_oid: Oid.nullable(),
  exit_code: z.int().nullable(),
  /** What the commits change, as the runner counted it; the patch itself of what may not be pushed, or was not taken. */
  delivered: Changes.extend({ patch: Patch.nullable() }).optional(),
});
export type AttemptResult = z.infer<typeof AttemptResult>;

/** What the server tells a runner about an attempt while it holds it. */
export type AttemptNotice =
  | { kind: "cancel"; force: boolean }
  | { kind: "lease_lost" }
  | { kind: "message"; id: string; text: string };
