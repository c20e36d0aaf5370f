import { statfs } from "node:fs/promises";
import { formatByteSize } from "@windshift/base/byte-size.ts";
import type { Clock } from "@windshift/base/clock.ts";
import { failure, type JobFailure } from "./job-failure.ts";
import type { JobLog } from "./job-log.ts";
import type { Sandbox } from "./sandbox.ts";

/** What one checkout may grow to, bytes: the largest repositories with a build beside them. */
export const WORKSPACE_BYTES_MAX = 20 * 1_024 ** 3;
/** Least that can be set, bytes: git's own files of an empty repository fit many times. */
export const WORKSPACE_BYTES_LEAST = 16 * 1_048_576;
/**
 * What one checkout may hold, files and folders: the largest repositories with all they depend on have two million, and a disk of 200 GB
 * has room for thirteen.
 */
export const WORKSPACE_FILES_MAX = 4_000_000;
/** Time between two looks at a checkout, ms: one reads all of it. */
export const WORKSPACE_LOOK_MS = 10_000;
/** Time between two looks at what the disk as a whole has left, ms: that costs nothing. */
const DISK_LOOK_MS = 1_000;
/** What the disk may have lost since the last look at a checkout, whoever took it, before there is another look: bytes, and files. */
const LOST_BYTES_MAX = 1_073_741_824;
const LOST_FILES_MAX = 200_000;

export interface WorkspaceWatchOptions {
  /** The checkout, absolute. */
  dir: string;
  bytesMax: number;
  filesMax: number;
  sandbox: Pick<Sandbox, "diskUse">;
  clock: Clock;
  log: JobLog;
}

/**
 * Looks every WORKSPACE_LOOK_MS at what a checkout takes on the disk, and sooner when the disk fills up fast, until `signal` aborts.
 * Looking is what works on every file system; a quota would hold at once, but needs one that was made for it.
 * @returns why the run has to end, or undefined when it never grew too large
 */
export async function watchWorkspace(
  options: WorkspaceWatchOptions,
  signal: AbortSignal,
): Promise<JobFailure | undefined> {
  const { dir, bytesMax, filesMax, sandbox, clock, log } = options;
  while (!signal.aborted) {
    await nextLook(dir, clock, signal);
    if (signal.aborted) break;
    const { bytes, files } = await sandbox.diskUse(dir, signal).catch((error: unknown) => {
      log.warn("the size of a checkout is not known", { dir, error });
      return { bytes: 0, files: 0 };
    });
    if (signal.aborted) break;
    if (bytes > bytesMax) return tooLarge(bytes, bytesMax);
    if (files > filesMax) return tooMany(files, filesMax);
  }
  return undefined;
}

/** Waits until it is time, or until so much of the disk is gone that it is better to look now. */
async function nextLook(dir: string, clock: Clock, signal: AbortSignal): Promise<void> {
  const before = await roomOn(dir);
  for (let waitedMs = 0; waitedMs < WORKSPACE_LOOK_MS && !signal.aborted; waitedMs += DISK_LOOK_MS) {
    await clock.sleep(DISK_LOOK_MS, signal);
    const now = await roomOn(dir);
    if (before.bytes - now.bytes > LOST_BYTES_MAX || before.files - now.files > LOST_FILES_MAX) return;
  }
}

/** What the file system of a folder has left; without end where that cannot be asked. */
async function roomOn(dir: string): Promise<{ bytes: number; files: number }> {
  return statfs(dir).then(
    ({ bavail, bsize, ffree }) => ({ bytes: bavail * bsize, files: ffree }),
    () => ({ bytes: Number.POSITIVE_INFINITY, files: Number.POSITIVE_INFINITY }),
  );
}

function tooLarge(bytes: number, bytesMax: number): JobFailure {
  return failure(
    "disk",
    `the run's files took ${formatByteSize(bytes)} on the disk and may take ${formatByteSize(bytesMax)}, so it was ended. ` +
      "What it had committed is kept. If its work needs more, raise CODING_AGENT_WORKSPACE_SIZE (server) or WSRUNNER_WORKSPACE_SIZE (runner)",
  );
}

function tooMany(files: number, filesMax: number): JobFailure {
  return failure(
    "disk",
    `the run had made ${files} files and folders and may have ${filesMax}, so it was ended. What it had committed is kept. ` +
      "Each of them takes an inode of the host's disk, which runs out of those as it runs out of room",
  );
}
