import { formatByteSize } from "@windshift/base/byte-size.ts";
import type { Clock } from "@windshift/base/clock.ts";
import { failure, type JobFailure } from "./job-failure.ts";
import type { JobLog } from "./job-log.ts";
import type { Sandbox } from "./sandbox.ts";

/** What one checkout may grow to, bytes: the largest repositories with a build beside them. */
export const WORKSPACE_BYTES_MAX = 20 * 1_024 ** 3;
/** Least that can be set, bytes: git's own files of an empty repository fit many times. */
export const WORKSPACE_BYTES_LEAST = 16 * 1_048_576;
/** Time between two looks at a checkout, ms: a disk of 500 MB/s takes 5 GB meanwhile. */
export const WORKSPACE_LOOK_MS = 10_000;

export interface WorkspaceWatchOptions {
  /** The checkout, absolute. */
  dir: string;
  bytesMax: number;
  sandbox: Pick<Sandbox, "diskUse">;
  clock: Clock;
  log: JobLog;
}

/**
 * Looks every WORKSPACE_LOOK_MS at what a checkout takes on the disk, until `signal` aborts. Looking is what works on every
 * file system; a quota would hold at once, but needs one that was made for it.
 * @returns why the run has to end, or undefined when it never grew too large
 */
export async function watchWorkspace(
  { dir, bytesMax, sandbox, clock, log }: WorkspaceWatchOptions,
  signal: AbortSignal,
): Promise<JobFailure | undefined> {
  while (!signal.aborted) {
    await clock.sleep(WORKSPACE_LOOK_MS, signal);
    if (signal.aborted) break;
    const bytes = await sandbox.diskUse(dir, signal).catch((error: unknown) => {
      log.warn("the size of a checkout is not known", { dir, error });
      return 0;
    });
    if (!signal.aborted && bytes > bytesMax) return tooLarge(bytes, bytesMax);
  }
  return undefined;
}

function tooLarge(bytes: number, bytesMax: number): JobFailure {
  return failure(
    "disk",
    `the run's files took ${formatByteSize(bytes)} on the disk and may take ${formatByteSize(bytesMax)}, so it was ended. ` +
      "What it had committed is kept. If its work needs more, raise CODING_AGENT_WORKSPACE_SIZE (server) or WSRUNNER_WORKSPACE_SIZE (runner)",
  );
}
