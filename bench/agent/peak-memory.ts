import { readFileSync } from "node:fs";

/** Between two looks, ms: what happens in the last of them before the end of a process is not seen. */
const LOOK_MS = 2;

/**
 * The most memory a process had resident so far, its part of the program file included; MB (10⁶ bytes). The kernel keeps
 * it for the process alone: unlike `ru_maxrss` it starts anew with the program, and has no children in it.
 * @param status text of /proc/PID/status
 * @returns undefined for a process that has ended and waits to be collected
 */
export function peakResidentMb(status: string): number | undefined {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return kib === undefined ? undefined : (Number(kib) * 1_024) / 1e6;
}

/** Looks at a process until it ends. @returns its peak, MB */
export async function watchPeak(child: Bun.Subprocess): Promise<number> {
  let peak: number | undefined;
  while (child.exitCode === null && child.signalCode === null) {
    peak = look(child.pid) ?? peak;
    await Bun.sleep(LOOK_MS);
  }
  if (peak === undefined) throw new Error("a process ended before its memory was seen");
  return peak;
}

function look(pid: number): number | undefined {
  try {
    return peakResidentMb(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return undefined; // gone between the check and the look
  }
}
