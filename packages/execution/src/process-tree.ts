import { readdirSync, readFileSync } from "node:fs";
import { systemClock } from "@windshift/base/clock.ts";

/** How long the processes of a marker are hunted, ms. */
const HUNT_MS_MAX = 10_000;
const HUNT_PAUSE_MS = 20;

/**
 * Kills every process whose environment holds `NAME=value`, until none is left. Processes inherit the environment, so
 * this finds those that left their process group too. One that changes its own environment escapes: that is why plain
 * processes are no sandbox.
 * @returns whether all are gone
 */
export async function killMarked(name: string, value: string): Promise<boolean> {
  const deadlineMs = Date.now() + HUNT_MS_MAX;
  // Twice: a process that is just starting another program shows an empty environment for a moment.
  for (let clean = 0; clean < 2; ) {
    const pids = markedProcesses(name).filter((found) => found.value === value);
    if (pids.length === 0) {
      clean++;
      continue;
    }
    clean = 0;
    for (const { pid } of pids) killOne(pid);
    if (Date.now() > deadlineMs) return false;
    await systemClock.sleep(HUNT_PAUSE_MS);
  }
  return true;
}

/** Living processes with the variable `name` in their environment, except this one. */
export function markedProcesses(name: string): { pid: number; value: string }[] {
  const found: { pid: number; value: string }[] = [];
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const value = markOf(pid, name);
    if (value !== undefined) found.push({ pid, value });
  }
  return found;
}

function markOf(pid: number, name: string): string | undefined {
  try {
    // A zombie has an empty environment: it is dead and only waits for its parent.
    const pairs = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
  } catch {
    // Ended meanwhile, or not ours to look at.
    return undefined;
  }
}

/** Kills one process, or with a negative number its group; one that is already gone is no error. */
export function killOne(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // ESRCH: it ended by itself.
  }
}
