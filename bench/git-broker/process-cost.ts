import { readdir } from "node:fs/promises";
import { residentMb } from "../server-start/memory.ts";

/** Ticks of the kernel's process clock in a second; fixed by its interface to programs. */
const TICKS_PER_S = 100;
/** Between two looks at the memory, ms. */
const LOOK_MS = 10;

/** Processor time of a process and its children that live, ms; 10 ms steps. Helpers that ended (git) are not in it. */
export async function processorMs(pid: number): Promise<number> {
  let ticks = 0;
  for (const one of [pid, ...(await childrenOf(pid))]) {
    const stat = await Bun.file(`/proc/${one}/stat`).text();
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return (ticks / TICKS_PER_S) * 1_000;
}

/** @returns the most memory the process itself used while `work` ran, MB */
export async function peakMb(pid: number, work: () => Promise<void>): Promise<number> {
  let most = await residentMb(pid);
  const timer = setInterval(async () => {
    most = Math.max(most, await residentMb(pid).catch(() => 0));
  }, LOOK_MS);
  await work().finally(() => clearInterval(timer));
  return most;
}

async function childrenOf(pid: number): Promise<string[]> {
  const children: string[] = [];
  for (const task of await readdir(`/proc/${pid}/task`)) {
    const listed = await Bun.file(`/proc/${pid}/task/${task}/children`).text();
    children.push(...listed.split(" ").filter((child) => child !== ""));
  }
  return children;
}
