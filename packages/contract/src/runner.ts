import { z } from "zod";
import { Attempt, MessageId, PoolId, RunId } from "./ids.ts";
import { HeldAttempt, JobSpec } from "./job.ts";
import { NAME_CHARS_MAX, RUNNER_CAPACITY_MAX, RUNNER_LABELS_MAX } from "./limits.ts";
import { Isolation } from "./run.ts";
import { TOKEN_PREFIX } from "./token-prefix.ts";

/**
 * What a runner host and the server say to each other, all of it POSTed as JSON below `/api/runner`. Every request but the first
 * carries the host's credential as a bearer token. Source: INTERFACES section 4.
 */

const token = (prefix: string) =>
  z
    .string()
    .max(200)
    .regex(new RegExp(`^${prefix}[A-Za-z0-9_-]{43}$`), `a token that begins with ${prefix}`);
export const RegistrationToken = token(TOKEN_PREFIX.registration);
export const RunnerCredential = token(TOKEN_PREFIX.runner);

/** Random bytes a client makes once for one action, so that repeating it is the same action. Hex. */
const Nonce = z.string().regex(/^[0-9a-f]{32}$/, "32 lower-case hex digits");
/** One start of a runner program. What an earlier start held is dead; an older start that comes back is refused. */
export const BootId = Nonce;
export type BootId = z.infer<typeof BootId>;

/** What a host can do and a run may ask for, such as `gpu` or `arm64`. */
export const RunnerLabel = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, "small letters, digits, . _ and -, at most 63");
export const RunnerLabels = z
  .array(RunnerLabel)
  .max(RUNNER_LABELS_MAX, `at most ${RUNNER_LABELS_MAX} labels`)
  .transform((labels) => [...new Set(labels)].sort());

/** One short line, such as a host name. */
const Line = z
  .string()
  .trim()
  .min(1)
  .max(NAME_CHARS_MAX)
  .regex(/^[^\p{Cc}]*$/u, "no control characters");
const Version = z.string().regex(/^[0-9A-Za-z.+-]{1,40}$/, "a version such as 0.1.0");

export const RegisterRequest = z.object({
  registration_token: RegistrationToken,
  name: Line,
  /** The same nonce again within ten minutes gives the same credential: the first answer may have been lost. */
  nonce: Nonce,
});
export type RegisterRequest = z.infer<typeof RegisterRequest>;

export const RegisterReply = z.object({
  credential: RunnerCredential,
  /** Names this host's containers and folders for good. */
  instance_id: z.string().regex(/^[0-9a-f]{12}$/),
  pool_id: PoolId,
});
export type RegisterReply = z.infer<typeof RegisterReply>;

/** What a host says of itself with every claim and heartbeat. */
export const HostState = z.object({
  boot: BootId,
  version: Version,
  /** Under which people see it; left out by runners that told it at their registration alone. */
  name: Line.optional(),
  /** Runs it takes at once. */
  capacity: z.int().min(1).max(RUNNER_CAPACITY_MAX),
  labels: RunnerLabels,
  /** It finishes what it has and takes no more. */
  draining: z.boolean().default(false),
});
export type HostState = z.infer<typeof HostState>;

export const ClaimRequest = HostState.extend({
  /**
   * One wish for a job, used until it brings one: a claim repeated with the same key gives the same job, with further tokens, while its
   * attempt lives.
   */
  claim_key: Nonce,
  /** The server as this host reaches it: the addresses in the job are built on it. */
  api_url: z.url({ protocol: /^https?$/ }).regex(/\/api$/, "must end in /api"),
  isolation: Isolation,
});
export type ClaimRequest = z.infer<typeof ClaimRequest>;

/** Query of the requests that may wait: `25s`; what is longer is cut to the server's longest wait. */
export const WaitQuery = z.object({
  wait: z
    .string()
    .regex(/^\d{1,3}s$/, "write seconds, such as 25s")
    .default("0s")
    .transform((text) => Number(text.slice(0, -1)) * 1_000),
});

export const HeartbeatRequest = HostState.extend({ held: z.array(HeldAttempt).max(RUNNER_CAPACITY_MAX * 2) });
export type HeartbeatRequest = z.infer<typeof HeartbeatRequest>;

export const RunnerHeartbeatReply = z.object({
  /** Attempts among those held that are no longer this host's: it ends their containers and reports nothing. */
  abort: z.array(HeldAttempt),
  /** Queued runs of its pool. */
  queue_depth: z.int().min(0),
  /** An administrator wants it to take no more. */
  drain: z.boolean(),
});
export type RunnerHeartbeatReply = z.infer<typeof RunnerHeartbeatReply>;

/** Waits for what people want of the attempts a host holds: one open request for all of them. */
export const NoticesRequest = z.object({
  boot: BootId,
  held: z
    .array(
      HeldAttempt.extend({
        /** The newest message the agent was given; older ones are not sent again. 0 for none. */
        after_message: z.int().min(0).default(0),
        /** Whether a cancel is known, and whether it is forced. */
        known: z.enum(["running", "canceling", "killing"]).default("running"),
      }),
    )
    .max(RUNNER_CAPACITY_MAX * 2),
});
export type NoticesRequest = z.infer<typeof NoticesRequest>;

/** News of one attempt. Several may come of one; each is safe to hear twice. */
export const AttemptNews = z.discriminatedUnion("kind", [
  HeldAttempt.extend({ kind: z.literal("cancel"), force: z.boolean() }),
  HeldAttempt.extend({ kind: z.literal("lease_lost") }),
  HeldAttempt.extend({ kind: z.literal("message"), id: MessageId, text: z.string() }),
]);
export type AttemptNews = z.infer<typeof AttemptNews>;
export const NoticesReply = z.object({ news: z.array(AttemptNews) });
export type NoticesReply = z.infer<typeof NoticesReply>;

/** Path of events and results. */
export const RunParams = z.object({ run: z.coerce.number().pipe(RunId) });

export const EventsReply = z.object({
  /** All up to here is durable; the sender goes on with the next. */
  acked_seq: z.int().min(0),
});
export type EventsReply = z.infer<typeof EventsReply>;

/** A new credential; the former one works for an hour more, so that a host that loses the answer is not locked out. */
export const RotateReply = z.object({ credential: RunnerCredential });
export type RotateReply = z.infer<typeof RotateReply>;

/** Whom a credential belongs to. Asking changes nothing: neither the presence of the runner nor what it holds. */
export const WhoamiReply = z.object({
  name: z.string(),
  instance_id: z.string(),
  pool: z.string(),
  /** An administrator wants it to take no more. */
  drain: z.boolean(),
  /** What an administrator has to see to, such as a credential that is used on two hosts. */
  alert: z.string().nullable(),
});
export type WhoamiReply = z.infer<typeof WhoamiReply>;

/** What keeps one attempt apart from all others on a host: labels, folders and the spool carry it. */
export const HeldJob = z.object({ run: RunId, attempt: Attempt, boot: BootId });
export type HeldJob = z.infer<typeof HeldJob>;

export const RunnerClaimReply = z.object({ job: JobSpec.nullable() });
