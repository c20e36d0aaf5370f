import { exec } from "@windshift/base/exec.ts";

/** Time for adding up a folder, ms: a million files take some ten seconds on a slow disk. */
const DISK_USE_MS_MAX = 120_000;

export interface DiskSize {
  /** Blocks on the disk, not lengths: a sparse file counts as what it takes. */
  bytes: number;
  /** Names in it: files, folders and all else that takes an inode. A file with two names counts as two. */
  files: number;
}

export interface DiskUse extends DiskSize {
  /** Some of it could not be looked into, so `bytes` is too low. */
  partial: boolean;
}

/** Both numbers, one a line, of the folder that is its first argument; also of a small shell and its `du` and `find`. */
const COUNT = 'du -s -x -k -- "$1"; ended=$?; find "$1" -xdev -print | wc -l && exit $ended';

/** The command that counts `dir`, and prints what `parseDiskSize` reads. */
export function countCommand(dir: string): [string, ...string[]] {
  return ["sh", "-c", COUNT, "count", dir];
}

/** What a folder takes on the disk, links not followed. A folder that does not exist takes nothing. Never rejects. */
export async function diskUse(dir: string, path: string, signal?: AbortSignal): Promise<DiskUse> {
  try {
    const { stdout, exitCode } = await exec(countCommand(dir), {
      env: { PATH: path, LC_ALL: "C" },
      timeoutMs: DISK_USE_MS_MAX,
      outputBytesMax: 4_096,
      signal,
    });
    return { ...parseDiskSize(stdout), partial: exitCode !== 0 };
  } catch {
    return { bytes: 0, files: 0, partial: true };
  }
}

/** From what `countCommand` prints; 0 for what is not there. */
export function parseDiskSize(text: string): DiskSize {
  const bytes = 1_024 * Number(/^(\d+)\s/.exec(text)?.[1] ?? 0);
  return { bytes, files: Number(/^ *(\d+) *$/m.exec(text)?.[1] ?? 0) };
}
