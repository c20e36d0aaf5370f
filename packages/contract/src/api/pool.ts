import { z } from "zod";
import { PoolId, RunnerId } from "../ids.ts";
import { NAME_CHARS_MAX, POOL_RUNNING_MAX, REGISTRATION_TOKEN_MS_MAX } from "../limits.ts";
import { RunnerLabels } from "../runner.ts";
import { TOKEN_PREFIX } from "../token-prefix.ts";

/** Names appear in commands and addresses. */
export const PoolName = z
  .string()
  .max(NAME_CHARS_MAX)
  .regex(/^[a-z0-9][a-z0-9._-]*$/, "small letters, digits, . _ and -, a letter or digit first");

const poolFields = {
  /** Runs of the pool at once, over all its runners. */
  max_running: z.int().min(1).max(POOL_RUNNING_MAX),
  /** What every runner of the pool can do, beside its own labels. */
  labels: RunnerLabels,
  /** Keys of the workspaces that may use it; empty for all. */
  workspaces: z.array(z.string().max(10)).max(1_000),
};

export const NewPool = z.strictObject({
  name: PoolName,
  max_running: poolFields.max_running.default(100),
  labels: poolFields.labels.default([]),
  workspaces: poolFields.workspaces.default([]),
});
export type NewPool = z.infer<typeof NewPool>;
export const PoolPatch = z.strictObject(poolFields).partial();
export type PoolPatch = z.infer<typeof PoolPatch>;

export const Pool = z.object({
  id: PoolId,
  name: z.string(),
  ...poolFields,
  created_at: z.iso.datetime(),
});
export type Pool = z.infer<typeof Pool>;

export const NewRegistrationToken = z.strictObject({
  /** How long it may be used, seconds: an hour by default. */
  expires_in_s: z
    .int()
    .min(60)
    .max(REGISTRATION_TOKEN_MS_MAX / 1_000)
    .default(3_600),
});
export const RegistrationTokenState = z.enum(["unused", "used", "expired", "revoked"]);
export const RegistrationTokenRow = z.object({
  id: z.int(),
  state: RegistrationTokenState,
  created_at: z.iso.datetime(),
  created_by: z.string(),
  expires_at: z.iso.datetime(),
  /** The runner it became. */
  runner_id: RunnerId.nullable(),
});
export type RegistrationTokenRow = z.infer<typeof RegistrationTokenRow>;
/** Shown once. */
export const MintedRegistrationToken = RegistrationTokenRow.extend({
  token: z.string().startsWith(TOKEN_PREFIX.registration),
  /** A line that installs and registers a runner on a Debian or Alpine host. */
  install_command: z.string(),
});
export type MintedRegistrationToken = z.infer<typeof MintedRegistrationToken>;

export const RunnerState = z.enum([
  /** Heard of within a lease. */
  "live",
  /** Not heard of for longer; its runs are queued again. */
  "stale",
  /** Finishes what it has. */
  "draining",
  /** Its credential was withdrawn. */
  "revoked",
]);
export type RunnerState = z.infer<typeof RunnerState>;

export const Runner = z.object({
  id: RunnerId,
  pool: z.string(),
  name: z.string(),
  kind: z.enum(["local", "host"]),
  state: RunnerState,
  version: z.string().nullable(),
  labels: z.array(z.string()),
  capacity: z.int(),
  /** Runs it holds now. */
  held: z.int(),
  last_seen_at: z.iso.datetime().nullable(),
  /** What an administrator has to see to, such as a credential used on two hosts. */
  alert: z.string().nullable(),
});
export type Runner = z.infer<typeof Runner>;

/** One pool as an administrator or an autoscaler looks at it. */
export const PoolDiagnostics = z.object({
  pool: z.string(),
  max_running: z.int(),
  live: z.int(),
  stale: z.int(),
  draining: z.int(),
  revoked: z.int(),
  /** Free places of live runners that take work. */
  free: z.int(),
  running: z.int(),
  queued: z.int(),
  /** Since when the oldest queued run waits. */
  oldest_queued_at: z.iso.datetime().nullable(),
  /** Queued runs by the labels they ask for; the empty list first. */
  queued_by_labels: z.array(z.object({ labels: z.array(z.string()), queued: z.int() })),
  runners: z.array(Runner),
});
export type PoolDiagnostics = z.infer<typeof PoolDiagnostics>;
export const RunnerPoolsReply = z.object({ pools: z.array(PoolDiagnostics) });
