import { formatDuration } from "@windshift/base/duration.ts";
import { type ExecResult, exec } from "@windshift/base/exec.ts";
import type { PipedChild } from "./child-streams.ts";

/** A Docker-compatible command line (Docker, Podman) and the environment it is started with. */
export interface DockerCliOptions {
  /** Program to call. */
  docker: string;
  /** Its whole environment; dockerCliEnv picks it from a program's own. */
  env: Record<string, string>;
  /** Longest wait for one answer of the engine, ms. Default DOCKER_CALL_MS_MAX. */
  callMsMax?: number;
}

/** Longest wait for an answer of the engine, ms (F08: a hung engine must not wedge a runner). */
export const DOCKER_CALL_MS_MAX = 30_000;
/** Time for pulling an image, ms. */
export const PULL_MS_MAX = 15 * 60_000;

/** How one command is run. `timeoutMs` is 30 s unless said. */
export interface DockerCallOptions {
  timeoutMs?: number;
  /** Added to the command line's environment: values that must not be in an argument list. */
  env?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/** What the engine's command line said. `failed` covers a program that cannot be started and one that took too long. */
export type DockerAnswer = { kind: "ok"; stdout: string } | { kind: "failed"; message: string };

/** The container engine by its command line. The only place that starts it on a host of runs. */
export class DockerCli {
  readonly callMsMax: number;
  constructor(private readonly options: DockerCliOptions) {
    this.callMsMax = options.callMsMax ?? DOCKER_CALL_MS_MAX;
  }

  /** Runs one short command. Never rejects for a failing engine and never waits longer than its time-out. */
  async call(args: readonly string[], options: DockerCallOptions = {}): Promise<DockerAnswer> {
    const timeoutMs = options.timeoutMs ?? this.callMsMax;
    try {
      const result = await exec([this.options.docker, ...args], {
        env: { ...options.env, ...this.options.env },
        timeoutMs,
        signal: options.signal,
      });
      return answerOf(result, `${this.options.docker} ${args[0]}`, timeoutMs);
    } catch {
      return { kind: "failed", message: `the program ${this.options.docker} cannot be started` };
    }
  }

  /** Starts a command whose streams are carried while it runs. @throws when the program cannot be started */
  spawn(args: readonly string[]): PipedChild {
    return Bun.spawn([this.options.docker, ...args], {
      env: this.options.env,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
  }
}

function answerOf(result: ExecResult, what: string, timeoutMs: number): DockerAnswer {
  if (result.timedOut)
    return {
      kind: "failed",
      message: `${what}: the engine gave no answer within ${formatDuration(timeoutMs)}`,
    };
  if (result.exitCode === 0) return { kind: "ok", stdout: result.stdout };
  return { kind: "failed", message: (result.stderr || result.stdout || `${what} failed`).trim() };
}

/** What the command line needs of a program's own environment, and nothing else of it. */
const CLI_NAMES = ["PATH", "HOME", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK"] as const;
const CLI_PREFIXES = ["DOCKER_", "CONTAINER_", "CONTAINERS_", "PODMAN_"] as const;

/** Of a program's environment what the engine's command line needs to find its daemon and its logins, and nothing else. */
export function dockerCliEnv(env: Record<string, string | undefined>): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    if (isCliName(name)) picked[name] = value;
  }
  return picked;
}

/** Names that steer the command line itself and so can never be handed through it to a container. */
export function isCliName(name: string): boolean {
  return (
    CLI_NAMES.some((known) => known === name) ||
    CLI_PREFIXES.some((prefix) => name.startsWith(prefix)) ||
    /^(LD_|GO[A-Z]*DEBUG$|GOTRACEBACK$|XDG_|SSL_CERT_|STORAGE_|REGISTRIES_|TMPDIR$)|_PROXY$/.test(name)
  );
}
