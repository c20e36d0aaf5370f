import { hostname } from "node:os";
import { join } from "node:path";
import {
  byteSizeSetting as byteSize,
  countSetting as count,
  durationSetting as duration,
  flagSetting as flag,
  listSetting as list,
  mountedFolderSetting,
  textSetting as text,
} from "@windshift/base/setting-schemas.ts";
import { readSettings, type SettingsOf, type SettingsTable } from "@windshift/base/settings.ts";
import { tracingSettings } from "@windshift/base/tracing-settings.ts";
import { ImageReference } from "@windshift/contract/job.ts";
import {
  HEARTBEAT_INTERVAL_MS,
  LEASE_MS,
  NAME_CHARS_MAX,
  RUNNER_CAPACITY_MAX,
} from "@windshift/contract/limits.ts";
import { RegistrationToken, RunnerCredential, RunnerLabels } from "@windshift/contract/runner.ts";
import { CACHE_AGE_MS_MAX, CACHE_AGE_MS_MOST, CACHE_BYTES_MAX } from "@windshift/execution/clone-cache.ts";
import { containerSettings } from "@windshift/execution/container-settings.ts";
import { WORKSPACE_BYTES_LEAST, WORKSPACE_BYTES_MAX } from "@windshift/execution/workspace-watch.ts";
import { z } from "zod";

const CACHE_ROOT = "/var/lib/windshift-runner/cache";
/** Two heartbeats must fit into a lease, or one lost answer costs it. */
const HEARTBEAT_MS_MAX = LEASE_MS / 2;

/** Every variable the runner reads. Source: INTERFACES section 2. */
export const runnerSettings = {
  apiUrl: {
    name: "WS_API_URL",
    schema: z
      .string({
        error: "set it to the address of the server's API, such as https://windshift.example.com/api",
      })
      .transform((value) => value.replace(/\/+$/, ""))
      .refine((value) => URL.canParse(value), "write an address such as https://windshift.example.com/api")
      .refine(
        (value) => value.endsWith("/api"),
        "must end in /api, such as https://windshift.example.com/api",
      ),
    defaultText: "required",
    doc: "The server's API as this host and its containers reach it: `https://…/api`.",
  },
  registrationToken: {
    name: "WSRUNNER_REGISTRATION_TOKEN",
    schema: RegistrationToken.optional(),
    defaultText: "unset; needed for the first start",
    doc: "One-time token `wsrt_…` of a pool. It is exchanged for a credential, which is kept; afterwards it can be taken away.",
    secret: true,
  },
  credential: {
    name: "WSRUNNER_CREDENTIAL",
    schema: RunnerCredential.optional(),
    defaultText: "unset",
    doc: "A credential `wsrc_…` to use instead of one that is kept in a file.",
    secret: true,
    fileTwin: false,
  },
  credentialFile: {
    name: "WSRUNNER_CREDENTIAL_FILE",
    schema: mountedFolderSetting.optional(),
    defaultText: "`<cache>/credential`",
    doc: "Where the credential is kept, mode 0600.",
  },
  image: {
    name: "WSRUNNER_IMAGE",
    schema: z
      .string({ error: "set it to the agent image, such as windshift/agent:local" })
      .pipe(ImageReference),
    defaultText: "required",
    doc: "Agent image.",
  },
  name: {
    name: "WSRUNNER_NAME",
    schema: text
      .trim()
      .min(1)
      .max(NAME_CHARS_MAX)
      .regex(/^[^\p{Cc}]*$/u, "write one line, without control characters")
      .default(() => hostname()),
    defaultText: "the host's name",
    doc: "Name under which people see this runner.",
  },
  docker: {
    name: "WSRUNNER_DOCKER",
    schema: text.default("docker"),
    defaultText: "docker",
    doc: "Docker-compatible command line to call.",
  },
  triageBin: {
    name: "WSRUNNER_TRIAGE_BIN",
    schema: text.optional(),
    defaultText: "`windshift-triage` beside this program, else on the PATH",
    doc: "Program that does the git work of runs on this host.",
  },
  cacheRoot: {
    name: "WSRUNNER_CACHE_ROOT",
    schema: mountedFolderSetting.default(CACHE_ROOT),
    defaultText: CACHE_ROOT,
    doc: "Folder of bare clones, the per-run checkouts beside them, the spool and the credential. With the runner in a container it must be mounted at the same path.",
  },
  cacheBytesMax: {
    name: "WSRUNNER_CACHE_SIZE",
    schema: byteSize(0).default(CACHE_BYTES_MAX),
    defaultText: "20g",
    doc: "What all bare clones in the cache may take together: beyond it the longest unused go. One that a run uses stays.",
  },
  cacheAgeMs: {
    name: "WSRUNNER_CACHE_AGE",
    schema: duration(0, CACHE_AGE_MS_MOST).default(CACHE_AGE_MS_MAX),
    defaultText: "30d",
    doc: "A bare clone that no run used for so long is removed.",
  },
  workspaceBytesMax: {
    name: "WSRUNNER_WORKSPACE_SIZE",
    schema: byteSize(WORKSPACE_BYTES_LEAST).default(WORKSPACE_BYTES_MAX),
    defaultText: "20g",
    doc: "What one checkout may grow to on the disk. A run that passes it is ended with the reason `disk`; what it committed is pushed.",
  },
  pollIntervalMs: {
    name: "WSRUNNER_POLL_INTERVAL",
    schema: duration(100, 600_000).default(2_000),
    defaultText: "2s",
    doc: "Pause between claims where the server cannot keep one waiting.",
  },
  heartbeatMs: {
    name: "WSRUNNER_HEARTBEAT_INTERVAL",
    schema: duration(1_000, HEARTBEAT_MS_MAX).default(HEARTBEAT_INTERVAL_MS),
    defaultText: "30s",
    doc: "Time between renewals of the lease of what runs.",
  },
  initialPrompt: {
    name: "WSRUNNER_INITIAL_PROMPT",
    schema: text.optional(),
    defaultText: "unset: the server's",
    doc: "Emergency fallback for a server that sends no prompt.",
  },
  allowInsecure: {
    name: "WSRUNNER_ALLOW_INSECURE",
    schema: flag,
    defaultText: "unset",
    doc: "1 permits an `http://` address, for development.",
  },
  capacity: {
    name: "WSRUNNER_CAPACITY",
    schema: count(1, RUNNER_CAPACITY_MAX).default(1),
    defaultText: "1",
    doc: "Runs at once.",
  },
  allowedImages: {
    name: "WSRUNNER_ALLOWED_IMAGES",
    schema: list.pipe(z.array(ImageReference)),
    defaultText: "none",
    doc: "Images, separated by commas, that bindings may name instead of WSRUNNER_IMAGE; it always is allowed.",
  },
  ...containerSettings("WSRUNNER"),
  once: {
    name: "WSRUNNER_ONCE",
    schema: flag,
    defaultText: "unset",
    doc: "1 does one job, then exits.",
  },
  labels: {
    name: "WSRUNNER_LABELS",
    schema: list.pipe(RunnerLabels),
    defaultText: "none",
    doc: "What this host can do, separated by commas, such as `gpu,arm64`: a binding may ask for it.",
  },
  ...tracingSettings,
  metricsPort: {
    name: "WSRUNNER_METRICS_PORT",
    schema: count(0, 65_535).optional(),
    defaultText: "unset: none",
    doc: "Port of `/metrics` and `/healthz`; 0 takes a free one.",
  },
  metricsHost: {
    name: "WSRUNNER_METRICS_HOST",
    schema: text.default("127.0.0.1"),
    defaultText: "127.0.0.1",
    doc: "Address they listen on. They ask for no password: `0.0.0.0`, which a runner in a container needs, belongs on a network that only the monitoring reaches.",
  },
  drainTimeoutMs: {
    name: "WSRUNNER_DRAIN_TIMEOUT",
    schema: duration(0, 7 * 86_400_000).default(3_600_000),
    defaultText: "1h",
    doc: "How long the first SIGTERM lets what runs come to its end; then it is cut off, and queued again.",
  },
  sandbox: {
    name: "WSRUNNER_SANDBOX",
    schema: z
      .enum(["container", "unsandboxed"], { message: "write container or unsandboxed" })
      .default("container"),
    defaultText: "container",
    doc: "`unsandboxed` starts agents as plain processes with this runner's own rights: for trusted work and development only; needs WSRUNNER_ALLOW_UNSANDBOXED=1.",
  },
  allowUnsandboxed: {
    name: "WSRUNNER_ALLOW_UNSANDBOXED",
    schema: flag,
    defaultText: "unset",
    doc: "1 permits WSRUNNER_SANDBOX=unsandboxed.",
  },
  logLevel: {
    name: "WSRUNNER_LOG_LEVEL",
    schema: z
      .enum(["debug", "info", "warn", "error"], { message: "write debug, info, warn or error" })
      .default("info"),
    defaultText: "info",
    doc: "Least severe log lines that are written, as JSON on standard output.",
  },
} as const satisfies SettingsTable;

export type RunnerSettings = SettingsOf<typeof runnerSettings>;

/** Reads the environment; every problem at once, each a sentence that names the variable. */
export function readRunnerSettings(env: Record<string, string | undefined>) {
  const result = readSettings(runnerSettings, env);
  if (result.kind === "problems") return result;
  const { sandbox, allowUnsandboxed } = result.settings;
  const problem =
    sandbox === "unsandboxed" && !allowUnsandboxed
      ? "WSRUNNER_SANDBOX: unsandboxed agents can do whatever this runner can; set WSRUNNER_ALLOW_UNSANDBOXED=1 to permit it, or unset it to use containers"
      : transportProblem(result.settings, env);
  return problem === undefined ? result : { kind: "problems" as const, problems: [problem] };
}

/** RT-11: the credential never goes over a connection that others can read or stand in for. */
function transportProblem(
  { apiUrl, allowInsecure }: RunnerSettings,
  env: Record<string, string | undefined>,
): string | undefined {
  if (allowInsecure) return undefined;
  if (!apiUrl.startsWith("https://"))
    return `WS_API_URL must be https:// (it is ${JSON.stringify(apiUrl)}); for development only, WSRUNNER_ALLOW_INSECURE=1 permits http://`;
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === "0")
    return "NODE_TLS_REJECT_UNAUTHORIZED=0 would take any certificate for the server's; unset it and set NODE_EXTRA_CA_CERTS to the file of your own authority";
  return undefined;
}

/** Where the host keeps what: all below the cache root's parent or in it, so that one mount carries everything. */
export function pathsOf(settings: RunnerSettings) {
  const { cacheRoot } = settings;
  return {
    credential: settings.credentialFile ?? join(cacheRoot, "credential"),
    worktrees: join(cacheRoot, "worktrees"),
    clones: join(cacheRoot, "clones"),
    spool: join(cacheRoot, "spool"),
    instance: join(cacheRoot, "instance"),
  };
}
