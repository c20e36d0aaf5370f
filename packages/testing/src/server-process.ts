import { join, resolve } from "node:path";
import { eventually } from "./eventually.ts";
import { keepLog } from "./kept-log.ts";
import { programCommand } from "./program-command.ts";

/** A real server, running as its own process. */
export interface ServerProcess {
  /** As this machine reaches it: `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly pid: number;
  /** From the start of the process to the first `200` of /readyz, ms. */
  readonly readyMs: number;
  /** Resolves when the process has ended, by whatever cause. */
  readonly exited: Promise<number>;
  /** The last lines it logged. */
  logTail(): Promise<string>;
  /** Asks it to end (SIGTERM) and waits until it has. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash does (SIGKILL). */
  kill(): Promise<void>;
}

export interface ServerProcessOptions {
  /** Program and arguments; by default the server as `programCommand` starts it. */
  argv?: readonly string[];
  port: number;
  /** Settings, over the environment of this process. An empty text unsets. */
  env: Record<string, string>;
  /** File that gets the log; appended to. */
  logFile: string;
}

/** The server of the source tree, for those who start it in another way than all others. */
export const SERVER_MAIN = resolve(import.meta.dir, "../../../apps/server/src/main.ts");
/** The models and forges of tests, demo and benchmarks listen on this machine. */
const REACHABLE = { WINDSHIFT_PRIVATE_HOSTS: "127.0.0.1, localhost" };
const READY_MS_MAX = 120_000;
const LOG_TAIL_BYTES = 4_000;

/** Starts a server and waits until it is ready. @throws Error with the end of its log when it ends or does not get ready */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const startedMs = performance.now();
  const log = Bun.file(options.logFile);
  keepLog(options.logFile);
  const child = Bun.spawn([...(options.argv ?? programCommand("windshift"))], {
    env: { ...serverEnvironment(), ...REACHABLE, WINDSHIFT_PORT: String(options.port), ...options.env },
    // A group of its own: a terminal's Ctrl-C goes to whoever started it, who then ends it in order.
    detached: true,
    stdin: "ignore",
    stdout: log,
    stderr: log,
  });
  const logTail = async () => (await Bun.file(options.logFile).text()).slice(-LOG_TAIL_BYTES);
  const url = `http://127.0.0.1:${options.port}`;
  try {
    await eventually("the server is ready", () => isReady(url, child), READY_MS_MAX);
  } catch (cause) {
    child.kill("SIGKILL");
    throw new Error(`the server did not get ready; the end of its log:\n${await logTail()}`, { cause });
  }
  return {
    url,
    pid: child.pid,
    readyMs: performance.now() - startedMs,
    exited: child.exited,
    logTail,
    stop: () => end(child, "SIGTERM"),
    kill: () => end(child, "SIGKILL"),
  };
}

/** This process's environment without what is the demo's or the tests' own business, such as a model's key. */
function serverEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("DEMO_")));
}

async function isReady(url: string, child: Bun.Subprocess): Promise<boolean> {
  if (child.exitCode !== null) return true;
  const response = await fetch(`${url}/readyz`).catch(() => undefined);
  return response?.status === 200;
}

async function end(child: Bun.Subprocess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  child.kill(signal);
  await child.exited;
}

/** Settings of a server on an empty data folder that listens everywhere, so that containers reach it. */
export function serverEnv(options: {
  dataDir: string;
  port: number;
  containerHost: string;
  databaseUrl?: string | undefined;
}) {
  return {
    BASE_URL: `http://127.0.0.1:${options.port}`,
    WINDSHIFT_DATA: options.dataDir,
    WINDSHIFT_HOST: "0.0.0.0",
    DATABASE_URL: options.databaseUrl ?? "",
    CODING_AGENT_WORKTREE_ROOT: join(options.dataDir, "worktrees"),
    CODING_AGENT_WS_API_URL: `http://${options.containerHost}:${options.port}/api`,
  };
}
