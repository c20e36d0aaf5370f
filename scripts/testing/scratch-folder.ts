import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where all temporary files of one test run are: databases, repositories, folders of runs. */
export interface ScratchFolder {
  /** Absolute; TMPDIR of everything the test run starts. */
  path: string;
  /** Removes it and all in it; safe to call twice. */
  remove(): void;
}

/** Memory as a file system, on every Linux. */
const MEMORY_FOLDER = "/dev/shm";
/** What a whole run holds at once is under 2 GiB; below these the temporary files go to the disk, bytes. */
const MEMORY_FOLDER_BYTES_MIN = 4 * 1024 ** 3;
const MEMORY_BYTES_MIN = 8 * 1024 ** 3;
/** Short, since paths of sockets below it must not be longer than 107 bytes. */
const PREFIX = "ws-test-";

/**
 * Makes the folder, in memory where there is enough: test databases wait for the disk at every commit, and nothing in them
 * outlives the run. Removes what runs that were killed have left.
 */
export function makeScratchFolder(parents: readonly string[] = usableParents()): ScratchFolder {
  for (const parent of parents) removeLeftovers(parent);
  const [parent = tmpdir()] = parents;
  const path = mkdtempSync(join(parent, `${PREFIX}${process.pid}-`));
  // Like /tmp: PostgreSQL, apt and agents work there as users of their own.
  chmodSync(path, 0o1777);
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/** The best first. */
function usableParents(): string[] {
  return hasRoomInMemory() ? [MEMORY_FOLDER, tmpdir()] : [tmpdir()];
}

function hasRoomInMemory(): boolean {
  if (!existsSync("/proc/mounts") || !existsSync(MEMORY_FOLDER)) return false;
  if (!takesPrograms(readFileSync("/proc/mounts", "utf8"), MEMORY_FOLDER)) return false;
  const [, availableKib = "0"] =
    /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8")) ?? [];
  const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
  return bavail * bsize >= MEMORY_FOLDER_BYTES_MIN && Number(availableKib) * 1024 >= MEMORY_BYTES_MIN;
}

/** Whether a file system in memory is mounted there, and programs in it may be run, which containers often forbid. */
export function takesPrograms(mounts: string, folder: string): boolean {
  const entries = mounts.split("\n").map((line) => line.split(" "));
  const entry = entries.findLast(([, place]) => place === folder);
  return entry?.[2] === "tmpfs" && !(entry[3] ?? "").split(",").includes("noexec");
}

function removeLeftovers(parent: string): void {
  for (const name of readdirSync(parent)) {
    const [, pid] = new RegExp(`^${PREFIX}(\\d+)-`).exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    try {
      rmSync(join(parent, name), { recursive: true, force: true });
    } catch {
      // Of another user, who removes it with their next run.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
