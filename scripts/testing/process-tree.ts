import { readdirSync, readFileSync } from "node:fs";

export interface TreeProcess {
  pid: number;
  /** Memory it holds, bytes. */
  residentBytes: number;
}

/** Bytes of a memory page; Linux counts in these. 4 KiB on amd64 and on the arm64 kernels of Debian. */
const PAGE_BYTES = 4_096;

/** A process and every living one below it, from /proc. */
export function processTree(root: number): TreeProcess[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = parentOf(entry);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found: TreeProcess[] = [{ pid: root, residentBytes: residentBytes(root) }];
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    for (const child of children.get(pid) ?? []) {
      open.push(child);
      found.push({ pid: child, residentBytes: residentBytes(child) });
    }
  }
  return found;
}

/** The name in /proc/<pid>/stat may hold spaces and brackets; what follows the last bracket does not. */
function parentOf(pid: string): number | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  const [, parent] = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  return parent === undefined ? undefined : Number(parent);
}

function residentBytes(pid: number): number {
  const [, resident = "0"] = readProc(`/proc/${pid}/statm`)?.split(" ") ?? [];
  return Number(resident) * PAGE_BYTES;
}

/** Processes end while we look; that is no error. */
function readProc(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** Ends a process at once; one that has ended by itself is fine. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
