import { isAbsolute, join, resolve } from "node:path";
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
import { CACHE_AGE_MS_MAX, CACHE_AGE_MS_MOST, CACHE_BYTES_MAX } from "@windshift/execution/clone-cache.ts";
import { containerSettings } from "@windshift/execution/container-settings.ts";
import { WORKSPACE_BYTES_LEAST, WORKSPACE_BYTES_MAX } from "@windshift/execution/workspace-watch.ts";
import { parsePrivateHosts } from "@windshift/outbound/private-hosts.ts";
import { z } from "zod";
import { CrashPoint } from "./crash-point.ts";
import { parseProxies } from "./http/trusted-proxies.ts";
import type { OidcSettings } from "./users/oidc-provider.ts";

const httpUrl = z
  .url({ protocol: /^https?$/, message: "write an address such as https://windshift.example.com" })
  .transform((url) => url.replace(/\/+$/, ""));
/** A provider is reached over https, save on this machine. */
const OidcIssuer = z
  .url({ protocol: /^https?$/, message: "write the issuer's address, such as https://id.example.com" })
  .refine(
    (url) => /^(?:https:|http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?:[:/]|$))/.test(url),
    "must be https, as identities come from there",
  );
/** A day, ms: nobody looks at a transcript once it is shorter kept. */
const DAY_MS = 86_400_000;
/** The longest time something is kept that is not kept for good, ms: ten years. */
const KEPT_MS_MOST = 3_650 * DAY_MS;
/** Lines of the audit log stay for a quarter at least, ms: what they tell of is found out late. */
const AUDIT_MS_LEAST = 90 * DAY_MS;
/** The month that goes on and the twelve before are shown from single calls, ms. */
const USAGE_MS_LEAST = 400 * DAY_MS;

/** Every variable the server reads. docs/configuration.md is held to it. Source: INTERFACES section 1. */
export const serverSettings = {
  baseUrl: {
    name: "BASE_URL",
    schema: httpUrl.default("http://localhost:8080"),
    defaultText: "http://localhost:8080",
    doc: "Address under which browsers reach the server.",
  },
  port: {
    name: "WINDSHIFT_PORT",
    schema: count(0, 65_535).default(8080),
    defaultText: "8080",
    doc: "Port the server listens on; 0 takes a free one.",
  },
  host: {
    name: "WINDSHIFT_HOST",
    schema: text.default("0.0.0.0"),
    defaultText: "0.0.0.0",
    doc: "Address the server listens on. Agent containers must reach it.",
  },
  dataDir: {
    name: "WINDSHIFT_DATA",
    schema: text.default("./data").transform((path) => resolve(path)),
    defaultText: "./data",
    doc: "Folder of the embedded database, local repositories and the generated secret key.",
  },
  databaseUrl: {
    name: "DATABASE_URL",
    schema: z
      .url({
        protocol: /^postgres(ql)?$/,
        message: "write postgres://user:password@host/database, or leave it unset for SQLite",
      })
      .optional(),
    defaultText: "unset: SQLite in the data folder",
    doc: "PostgreSQL to use instead of the embedded database.",
    secret: true,
  },
  secretKey: {
    name: "WINDSHIFT_SECRET_KEY",
    schema: z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/, "write 64 hex digits (openssl rand -hex 32)")
      .optional(),
    defaultText: "unset: generated into `<data>/secret-key`, mode 0600",
    doc: "Key under which connection secrets are stored. Losing it loses the secrets.",
    secret: true,
  },
  previousSecretKey: {
    name: "WINDSHIFT_SECRET_KEY_PREVIOUS",
    schema: z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/, "write 64 hex digits, the former WINDSHIFT_SECRET_KEY")
      .optional(),
    defaultText: "unset",
    doc: "The former key, while a new one takes its place: what it sealed is sealed anew after the start. The log says when it can go.",
    secret: true,
  },
  logLevel: {
    name: "WINDSHIFT_LOG_LEVEL",
    schema: z
      .enum(["debug", "info", "warn", "error"], { message: "write debug, info, warn or error" })
      .default("info"),
    defaultText: "info",
    doc: "Least severe log lines that are written, as JSON on standard output.",
  },
  metricsToken: {
    name: "WINDSHIFT_METRICS_TOKEN",
    schema: text
      .regex(/^\S*$/, "write it without spaces")
      .min(16, "write at least 16 characters (openssl rand -hex 32)")
      .optional(),
    defaultText: "unset: administrators only",
    doc: "Opens `/metrics` to whoever sends it as a bearer token, besides administrators with a session.",
    secret: true,
  },
  ...tracingSettings,
  oidcIssuer: {
    name: "WINDSHIFT_OIDC_ISSUER",
    schema: OidcIssuer.optional(),
    defaultText: "unset: no sign-in provider",
    doc: "Issuer of an OpenID Connect provider that people sign in by, as it writes it itself. It needs WINDSHIFT_OIDC_CLIENT_ID. The address to give to the provider is `<BASE_URL>/api/oidc/callback`.",
  },
  oidcClientId: {
    name: "WINDSHIFT_OIDC_CLIENT_ID",
    schema: text.max(500).optional(),
    defaultText: "unset",
    doc: "This server's client id at the provider.",
  },
  oidcClientSecret: {
    name: "WINDSHIFT_OIDC_CLIENT_SECRET",
    schema: text.max(2_000).optional(),
    defaultText: "unset: a public client",
    doc: "This server's client secret at the provider.",
    secret: true,
  },
  oidcName: {
    name: "WINDSHIFT_OIDC_NAME",
    schema: text.max(60).default("single sign-on"),
    defaultText: "single sign-on",
    doc: "What the provider's button is called: `Sign in with …`.",
  },
  oidcAutoCreate: {
    name: "WINDSHIFT_OIDC_AUTO_CREATE",
    schema: flag,
    defaultText: "unset: accounts are made by administrators and invitations",
    doc: "1 gives an account to whoever the provider lets in with a verified e-mail address. It is in no workspace at first.",
  },
  trustedProxies: {
    name: "WINDSHIFT_TRUSTED_PROXIES",
    schema: list.transform((all, context) => {
      const proxies = parseProxies(all);
      if (!("bad" in proxies)) return proxies.ranges;
      context.addIssue(`${proxies.bad} is no address or network, such as 10.0.0.2 or 172.18.0.0/16`);
      return z.NEVER;
    }),
    defaultText: "none",
    doc: "Proxies before the server, addresses or networks separated by commas, whose `X-Forwarded-For` says where a request came from: for the audit log and for limits of tries. Without it everybody behind a proxy counts as one.",
  },
  archiveDir: {
    name: "WINDSHIFT_ARCHIVE",
    schema: text.refine((path) => isAbsolute(path), "write an absolute path").optional(),
    defaultText: "`<data>/archive`",
    doc: "Folder of what leaves the database after its time. Several servers on one database need one folder for all.",
  },
  transcriptRetentionMs: {
    name: "WINDSHIFT_TRANSCRIPT_RETENTION",
    schema: duration(DAY_MS, KEPT_MS_MOST).optional(),
    defaultText: "unset: kept in the database",
    doc: "Transcripts of runs that ended so long ago, such as `90d`, move to the archive, from where the run's page still gives them as JSONL.",
  },
  transcriptArchiveRetentionMs: {
    name: "WINDSHIFT_TRANSCRIPT_ARCHIVE_RETENTION",
    schema: duration(DAY_MS, KEPT_MS_MOST).optional(),
    defaultText: "unset: kept in the archive",
    doc: "Archived transcripts of runs that ended so long ago, such as `730d`, are deleted for good.",
  },
  auditRetentionMs: {
    name: "WINDSHIFT_AUDIT_RETENTION",
    schema: duration(AUDIT_MS_LEAST, KEPT_MS_MOST).optional(),
    defaultText: "unset: kept in the database",
    doc: "Lines of the audit log that are so old move to the archive as JSONL; at least `90d`. The log says so itself.",
  },
  usageRetentionMs: {
    name: "WINDSHIFT_USAGE_RETENTION",
    schema: duration(USAGE_MS_LEAST, KEPT_MS_MOST).optional(),
    defaultText: "unset: kept in the database",
    doc: "What single calls of models took moves to the archive as JSONL when it is so old; at least `400d`, as the last twelve months are shown.",
  },
  privateHosts: {
    name: "WINDSHIFT_PRIVATE_HOSTS",
    schema: z
      .string()
      .default("")
      .transform((list, context) => {
        const hosts = parsePrivateHosts(list);
        if (!("bad" in hosts)) return hosts;
        context.addIssue(`${hosts.bad} is not host:port, such as ollama.lan:11434`);
        return z.NEVER;
      }),
    defaultText: "none",
    doc: "Hosts, separated by commas, that connections may reach although their addresses are private: `host:port`, or `host` for every port. Metadata services of clouds are never reached.",
  },
  runnerImage: {
    name: "CODING_AGENT_RUNNER_IMAGE",
    schema: ImageReference.optional(),
    defaultText: "unset",
    doc: "Agent image. Setting it enables runs on this server when it starts.",
  },
  allowedImages: {
    name: "CODING_AGENT_ALLOWED_IMAGES",
    schema: list.pipe(z.array(ImageReference)),
    defaultText: "none",
    doc: "Images, separated by commas, that bindings may name instead of CODING_AGENT_RUNNER_IMAGE; it always is allowed.",
  },
  worktreeRoot: {
    name: "CODING_AGENT_WORKTREE_ROOT",
    schema: mountedFolderSetting.optional(),
    defaultText: "`<data>/worktrees`",
    doc: "Folder of the per-run checkouts. With the server in a container on the host's engine it must be mounted at the same path.",
  },
  wsApiUrl: {
    name: "CODING_AGENT_WS_API_URL",
    schema: httpUrl
      .refine((url) => url.endsWith("/api"), "must end in /api, such as https://windshift.example.com/api")
      .optional(),
    defaultText: "`<BASE_URL>/api`",
    doc: "API address as agent containers see it. `localhost` inside a container is not this server.",
  },
  docker: {
    name: "CODING_AGENT_DOCKER_BINARY",
    schema: text.default("docker"),
    defaultText: "docker",
    doc: "Docker-compatible command line to call.",
  },
  ...containerSettings("CODING_AGENT"),
  cacheBytesMax: {
    name: "CODING_AGENT_CACHE_SIZE",
    schema: byteSize(0).default(CACHE_BYTES_MAX),
    defaultText: "20g",
    doc: "What all bare clones of this server's runs may take together: beyond it the longest unused go. One that a run uses stays.",
  },
  cacheAgeMs: {
    name: "CODING_AGENT_CACHE_AGE",
    schema: duration(0, CACHE_AGE_MS_MOST).default(CACHE_AGE_MS_MAX),
    defaultText: "30d",
    doc: "A bare clone that no run used for so long is removed.",
  },
  workspaceBytesMax: {
    name: "CODING_AGENT_WORKSPACE_SIZE",
    schema: byteSize(WORKSPACE_BYTES_LEAST).default(WORKSPACE_BYTES_MAX),
    defaultText: "20g",
    doc: "What one checkout may grow to on the disk. A run that passes it is ended with the reason `disk`; what it committed is pushed.",
  },
  llmModel: {
    name: "CODING_AGENT_LLM_MODEL",
    schema: text.max(200).optional(),
    defaultText: "unset",
    doc: "Model id for bindings that name none.",
  },
  workers: {
    name: "CODING_AGENT_WORKERS",
    schema: count(1, 100).default(2),
    defaultText: "2",
    doc: "Runs this server executes at once.",
  },
  triageBin: {
    name: "WINDSHIFT_TRIAGE_BIN",
    schema: text.optional(),
    defaultText: "`windshift-triage` beside the server's executable, else on the PATH",
    doc: "Program that does the git work of runs on this host.",
  },
  runnerPrograms: {
    name: "WINDSHIFT_RUNNER_PROGRAMS",
    schema: text.refine((path) => isAbsolute(path), "write an absolute path").optional(),
    defaultText: "`runner-programs` beside the server's executable, else the build that it lies in",
    doc: "Folder of the programs that a host installs a runner from: `amd64/windshift-runner`, `amd64/windshift-triage`, the same for `arm64`, `amd64-musl` and `arm64-musl`.",
  },
  sandbox: {
    name: "WINDSHIFT_SANDBOX",
    schema: z
      .enum(["container", "unsandboxed"], { message: "write container or unsandboxed" })
      .default("container"),
    defaultText: "container",
    doc: "`unsandboxed` starts agents as plain processes with the server's own rights: for trusted work and development only; needs WSRUNNER_ALLOW_UNSANDBOXED=1.",
  },
  allowUnsandboxed: {
    name: "WSRUNNER_ALLOW_UNSANDBOXED",
    schema: flag,
    defaultText: "unset",
    doc: "1 permits WINDSHIFT_SANDBOX=unsandboxed.",
  },
  crashPoint: {
    name: "WINDSHIFT_CRASH_POINT",
    schema: CrashPoint.optional(),
    defaultText: "unset",
    doc: "For tests of recovery only: the server kills itself at this moment of a run. Never set it.",
  },
} as const satisfies SettingsTable;

export type ServerSettings = SettingsOf<typeof serverSettings>;

/** Reads the environment; every problem at once, each a sentence that names the variable. */
export function readServerSettings(env: Record<string, string | undefined>) {
  const result = readSettings(serverSettings, env);
  if (result.kind === "problems") return result;
  const { sandbox, allowUnsandboxed, oidcIssuer, oidcClientId } = result.settings;
  if ((oidcIssuer === undefined) !== (oidcClientId === undefined)) {
    const [set, missing] =
      oidcIssuer === undefined
        ? ["WINDSHIFT_OIDC_CLIENT_ID", "WINDSHIFT_OIDC_ISSUER"]
        : ["WINDSHIFT_OIDC_ISSUER", "WINDSHIFT_OIDC_CLIENT_ID"];
    return { kind: "problems" as const, problems: [`${missing}: set it too, as ${set} is set`] };
  }
  const { transcriptRetentionMs: stored, transcriptArchiveRetentionMs: archived } = result.settings;
  if (archived !== undefined && (stored === undefined || archived <= stored)) {
    const problem =
      "WINDSHIFT_TRANSCRIPT_ARCHIVE_RETENTION: counts from the end of the run, so it must be longer than WINDSHIFT_TRANSCRIPT_RETENTION, which must be set";
    return { kind: "problems" as const, problems: [problem] };
  }
  if (sandbox === "unsandboxed" && !allowUnsandboxed) {
    const problem =
      "WINDSHIFT_SANDBOX: unsandboxed agents can do whatever this server can; set WSRUNNER_ALLOW_UNSANDBOXED=1 to permit it, or unset it to use containers";
    return { kind: "problems" as const, problems: [problem] };
  }
  return result;
}

/** The sign-in provider; undefined where there is none. */
export function oidcOf(settings: ServerSettings): OidcSettings | undefined {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcClientSecret: clientSecret } = settings;
  if (issuer === undefined || clientId === undefined) return undefined;
  return { issuer, clientId, clientSecret, name: settings.oidcName, autoCreate: settings.oidcAutoCreate };
}

/** Folder of the per-run checkouts, absolute. */
export function worktreeRootOf(settings: ServerSettings): string {
  return settings.worktreeRoot ?? join(settings.dataDir, "worktrees");
}

/** Folder of what leaves the database after its time, absolute. */
export function archiveDirOf(settings: ServerSettings): string {
  return settings.archiveDir ?? join(settings.dataDir, "archive");
}

/** API address that agent containers are given. */
export function containerApiUrl(settings: ServerSettings): string {
  return settings.wsApiUrl ?? `${settings.baseUrl}/api`;
}

/** A warning when containers are given an address that is themselves; undefined when all is well. */
export function localhostWarning(settings: ServerSettings): string | undefined {
  if (settings.sandbox === "unsandboxed") return undefined;
  const url = containerApiUrl(settings);
  if (!/^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0)$/.test(new URL(url).hostname)) return undefined;
  return `agents are given ${url}, but localhost inside a container is not this server. Set CODING_AGENT_WS_API_URL to an address that containers reach and that ends in /api`;
}
