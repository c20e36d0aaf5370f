import { exec } from "@windshift/base/exec.ts";

/** Time for adding up a folder, ms: a million files take some ten seconds on a slow disk. */
const DISK_USE_MS_MAX = 120_000;

export interface DiskUse {
  /** Blocks on the disk, not lengths: a sparse file counts as what it takes. */
  bytes: number;
  /** Some of it could not be looked into, so `bytes` is too low. */
  partial: boolean;
}

/** What a folder takes on the disk, links not followed. A folder that does not exist takes nothing. Never rejects. */
export async function diskUse(dir: string, path: string, signal?: AbortSignal): Promise<DiskUse> {
  try {
    const { stdout, exitCode } = await exec(["du", "-s", "-x", "-k", "--", dir], {
      env: { PATH: path, LC_ALL: "C" },
      timeoutMs: DISK_USE_MS_MAX,
      outputBytesMax: 4_096,
      signal,
    });
    return { bytes: parseDiskUse(stdout), partial: exitCode !== 0 };
  } catch {
    return { bytes: 0, partial: true };
  }
}

/** Bytes from a line of `du -k`; 0 when there is none. */
export function parseDiskUse(text: string): number {
  return 1_024 * Number(/^(\d+)\s/.exec(text)?.[1] ?? 0);
}
