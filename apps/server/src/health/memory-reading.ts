import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { dirname, join } from "node:path";

/** How much memory is used of what there is. */
export interface MemoryReading {
  usedBytes: number;
  limitBytes: number;
  /** Whose limit it is: that of a control group, such as a container or a service has, or all of the machine. */
  of: "cgroup" | "machine";
}

/** Where a process is told about memory. */
interface MemorySource {
  /** Above `proc` and `sys`. */
  root: string;
  /** Of this process, bytes. */
  residentBytes(): number;
  machineBytes: number;
}

const THIS_PROCESS: MemorySource = {
  root: "/",
  residentBytes: () => process.memoryUsage.rss(),
  machineBytes: totalmem(),
};

/**
 * Looks at the memory of this process and at the limit that it is nearest to. A control group ends one of its processes for what all of
 * them take, so there the memory of git and of backups counts too; what the kernel can take back, such as files it has read, does not.
 */
export function readMemory({
  root,
  residentBytes,
  machineBytes,
}: MemorySource = THIS_PROCESS): MemoryReading {
  const usedBytes = residentBytes();
  const group = readGroup(root, usedBytes);
  if (group === undefined || !(group.limitBytes < machineBytes))
    return { usedBytes, limitBytes: machineBytes, of: "machine" };
  return { ...group, of: "cgroup" };
}

interface Group {
  usedBytes: number;
  limitBytes: number;
}

/** @param ownBytes of this process @returns undefined where there are no control groups, or none has a limit */
function readGroup(root: string, ownBytes: number): Group | undefined {
  const lines = textOf(join(root, "proc/self/cgroup"))?.split("\n") ?? [];
  for (const line of lines) {
    const [, kinds = "", path = ""] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    // Above the namespace that this process sees: then the mount shows no more than its own group.
    const seen = path.includes("..") ? "/" : path;
    if (kinds.split(",").includes("memory"))
      return readFirstVersion(join(root, "sys/fs/cgroup/memory"), seen, ownBytes);
    if (kinds === "" && path !== "") {
      const group = readSecondVersion(join(root, "sys/fs/cgroup"), seen, ownBytes);
      if (group !== undefined) return group;
    }
  }
  return undefined;
}

/** Version 1 says in one file what holds along the whole path. In a container the group is mounted at the top, whatever its path. */
function readFirstVersion(mount: string, path: string, ownBytes: number): Group | undefined {
  const stat = textOf(join(mount, path, "memory.stat")) ?? textOf(join(mount, "memory.stat"));
  const limitBytes = figure(stat, "hierarchical_memory_limit");
  const allBytes = figure(stat, "total_rss");
  if (limitBytes === undefined || allBytes === undefined) return undefined;
  return { usedBytes: Math.max(ownBytes, allBytes), limitBytes };
}

/** In version 2 each group above has a limit of its own, which others in it use up as well: the one that is used most ends somebody first. */
function readSecondVersion(mount: string, path: string, ownBytes: number): Group | undefined {
  let tightest: Group | undefined;
  for (let at = path; ; at = dirname(at)) {
    const limitBytes = Number.parseInt(textOf(join(mount, at, "memory.max")) ?? "", 10);
    const allBytes = figure(textOf(join(mount, at, "memory.stat")), "anon");
    if (allBytes !== undefined && limitBytes > 0) {
      const group = { usedBytes: Math.max(ownBytes, allBytes), limitBytes };
      if (tightest === undefined || shareOf(group) > shareOf(tightest)) tightest = group;
    }
    if (at === "/") return tightest;
  }
}

function shareOf({ usedBytes, limitBytes }: Group): number {
  return usedBytes / limitBytes;
}

function figure(stat: string | undefined, name: string): number | undefined {
  const found = new RegExp(`^${name} (\\d+)$`, "m").exec(stat ?? "")?.[1];
  return found === undefined ? undefined : Number(found);
}

/** @returns undefined for a file that is not there */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
