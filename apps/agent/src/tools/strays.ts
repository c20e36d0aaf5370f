import { existsSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";
import { signalGroup } from "./process-group.ts";
import { reap } from "./zombies.ts";

/** Variable that marks everything a command starts, however far it gets from its process group. */
const MARK_NAME = "WINDSHIFT_CALL";
/** Rounds of looking for what a killed process may have started meanwhile, and the pause between two, ms: 2 s in all, as on a machine that is busy a killed process waits for its turn to end. */
const ROUNDS_MAX = 400;
const ROUND_PAUSE_MS = 5;
/** The kernel's number of the machine's own pid namespace (PROC_PID_INIT_INO); a container has another. */
const MACHINE_PID_NAMESPACE = "pid:[4026531836]";

let count = 0;

export interface CallMark {
  /** Environment for the command. */
  env: Record<string, string>;
  value: string;
}

/** Marks one call. Marks add up, so that an agent that runs under a command of another is found by both. */
export function markCall(env: Record<string, string>): CallMark {
  const value = `${process.pid}.${++count}.${crypto.randomUUID()}`;
  const outer = env[MARK_NAME];
  return { env: { ...env, [MARK_NAME]: outer === undefined ? value : `${outer} ${value}` }, value };
}

/**
 * Kills what a command left behind: in its process group, and outside it (`setsid`, a daemon's double fork). What left the
 * group is found by the mark in its environment; and where the agent is the container's only program also by being an orphan, as some daemons write their
 * title over their environment. Outside a container a process that emptied its environment is not found. Commands run one
 * after the other, so an orphan is this one's.
 * @param shellPid the command's shell, which has ended; what it started came after it
 */
export async function endStrays(mark: CallMark, shellPid: number): Promise<void> {
  // Most commands leave nothing, and to signal a group that is gone costs as much as all the looking.
  if (startedSince(shellPid)?.length === 0) return;
  signalGroup(shellPid, "SIGKILL");
  let started: number[] = [];
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const newest = newestPidHere();
    started = startedSince(shellPid) ?? [];
    const strays = started.filter((pid) => isMarked(pid, mark.value) || adopted(pid) === "running");
    // One may have started another, and ended, between the list and the look at it.
    if (strays.length === 0 && newestPidHere() === newest) break;
    for (const pid of strays) kill(pid);
    await Bun.sleep(ROUND_PAUSE_MS);
  }
  await reap(started.filter((pid) => adopted(pid) === "zombie"));
}

/** Pids that are asked for one by one; more than that, and the list of all processes is the shorter way. */
const PIDS_PROBED_MAX = 64;

/** What still runs of what was started since, by whomever. Cheap when that is little: the kernel tells the newest pid. Undefined without /proc. */
function startedSince(shellPid: number): number[] | undefined {
  try {
    const newest = newestPid();
    const others = newest - shellPid;
    if (others === 0) return [];
    if (others > 0 && others <= PIDS_PROBED_MAX) {
      const pids = Array.from({ length: others }, (_, at) => shellPid + 1 + at);
      const alive = pids.filter((pid) => existsSync(`/proc/${pid}`));
      if (newestPid() === newest) return alive; // else something was started meanwhile
    }
    const pids = readdirSync("/proc").map(Number).filter(Number.isInteger);
    // A smaller newest pid means that the numbers began anew meanwhile.
    return pids.filter((pid) => pid !== process.pid && pid !== 1 && (others < 0 || pid > shellPid));
  } catch {
    return undefined;
  }
}

/** The file that ends with the newest pid. Kept open, as it is read after every command. */
let loadavg: number | undefined;
/** Its line is about 30 bytes long. */
const loadavgLine = Buffer.alloc(128);

function newestPid(): number {
  loadavg ??= openSync("/proc/loadavg", "r");
  const length = readSync(loadavg, loadavgLine, 0, loadavgLine.length, 0);
  const line = loadavgLine.toString("latin1", 0, length);
  return Number(line.slice(line.lastIndexOf(" ") + 1));
}

/** Undefined outside a container of its own, where others start processes all the time. */
function newestPidHere(): number | undefined {
  return aloneInContainer() ? newestPid() : undefined;
}

function isMarked(pid: number, value: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`).includes(value);
  } catch {
    return false; // gone, or not ours
  }
}

/**
 * Whether init, or the agent in its place, took the process over. A shell that an operator opened in the container has no
 * parent in it; a program that the agent itself started is in the agent's process group.
 * @returns `zombie` only for what the agent has to reap
 */
function adopted(pid: number): "running" | "zombie" | undefined {
  // Threads of the agent are numbered as processes are; an emulator answers for /proc/self/stat and knows no group.
  if (!aloneInContainer() || existsSync(`/proc/self/task/${pid}`)) return undefined;
  const stat = statOf(pid);
  if (stat === undefined || stat.parent !== 1 || stat.group === statOf("self")?.group) return undefined;
  if (stat.state !== "Z") return "running";
  return process.pid === 1 ? "zombie" : undefined;
}

function statOf(pid: number | "self"): { state: string; parent: number; group: number } | undefined {
  try {
    // The name before it, in parentheses, may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
    return { state: fields[0] ?? "", parent: Number(fields[1]), group: Number(fields[2]) };
  } catch {
    return undefined;
  }
}

let alone: boolean | undefined;
/** Asked once: the parent of a program changes when it ends. */
function aloneInContainer(): boolean {
  alone ??=
    (process.pid === 1 || process.ppid === 1) && readlinkSync("/proc/self/ns/pid") !== MACHINE_PID_NAMESPACE;
  return alone;
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
