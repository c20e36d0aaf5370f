import { type ExecResult, exec } from "./exec.ts";

/**
 * The only way our programs start git on a host (HG-16): a built environment with nothing inherited but PATH, no
 * system or user configuration, no prompts, and only the named protocols.
 */
export interface GitOptions {
  cwd?: string;
  timeoutMs: number;
  stdin?: string | Uint8Array | ReadableStream<Uint8Array>;
  /** A configuration file of ours (0600) in place of the user's, for example with the broker's Authorization header. */
  configFile?: string;
  /** Protocols git may use, colon separated. Default: none but local files. */
  protocols?: string;
  /** PATH of the child. */
  path?: string;
  extraEnv?: Record<string, string>;
  outputBytesMax?: number;
  signal?: AbortSignal | undefined;
}

/** Where git and its helpers are looked for unless the caller says otherwise. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The whole environment of a git process: nothing of ours is inherited, no settings of the machine or of a user are read, nobody is
 * asked for a password, and only local files are reached unless `protocols` says otherwise.
 */
export function gitEnv(
  options: Pick<GitOptions, "configFile" | "protocols" | "extraEnv" | "path">,
): Record<string, string> {
  return {
    PATH: options.path ?? DEFAULT_PATH,
    HOME: "/nonexistent",
    LC_ALL: "C.UTF-8",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: options.configFile ?? "/dev/null",
    GIT_ALLOW_PROTOCOL: options.protocols ?? "file",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "/bin/false",
    GIT_OPTIONAL_LOCKS: "0",
    ...options.extraEnv,
  };
}

/** Configuration every host call starts with: no hooks, no monitors, no background work, objects checked on arrival. */
export const GIT_GUARDS = [
  "-c",
  "core.hooksPath=/dev/null",
  "-c",
  "core.fsmonitor=false",
  "-c",
  "gc.auto=0",
  "-c",
  "maintenance.auto=false",
  "-c",
  "transfer.fsckObjects=true",
  "-c",
  "protocol.ext.allow=never",
  "-c",
  "submodule.recurse=false",
] as const;

/** Runs git to its end. A failing command is an exit code; throws only when git cannot be started. */
export function git(args: readonly string[], options: GitOptions): Promise<ExecResult> {
  return exec(["git", ...GIT_GUARDS, ...args], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: gitEnv(options),
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
    timeoutMs: options.timeoutMs,
    ...(options.outputBytesMax === undefined ? {} : { outputBytesMax: options.outputBytesMax }),
    signal: options.signal,
  });
}
