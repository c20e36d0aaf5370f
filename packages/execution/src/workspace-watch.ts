import { formatByteSize } from "@windshift/base/byte-size.ts";
import type { Clock } from "@windshift/base/clock.ts";
import { formatDuration } from "@windshift/base/duration.ts";
import { type DiskRoom, isLow, roomOn } from "./disk-room.ts";
import { DISK_USE_MS_MAX, type DiskSize } from "./disk-use.ts";
import type { HurriedLooks } from "./hurried-looks.ts";
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
/** Looks in a row that took too long before the run is ended: what cannot be counted may be any number. */
const UNKNOWN_LOOKS_MAX = 2;

export interface WorkspaceWatchOptions {
  /** The checkout, absolute. */
  dir: string;
  bytesMax: number;
  filesMax: number;
  sandbox: Pick<Sandbox, "diskUse">;
  /** One for all runs of the host. */
  hurried: HurriedLooks;
  clock: Clock;
  log: JobLog;
  /** What the disk of a folder has left. */
  roomOn?: (dir: string) => Promise<DiskRoom>;
}

/**
 * Looks every WORKSPACE_LOOK_MS at what a checkout takes on the disk, and sooner when the disk fills up fast or is nearly full, until
 * `signal` aborts. Looking is what works on every file system; a quota would hold at once, but needs one that was made for it.
 * @returns why the run has to end: it grew too large, or takes the most of a disk that is nearly full; else undefined
 */
export async function watchWorkspace(
  options: WorkspaceWatchOptions,
  signal: AbortSignal,
): Promise<JobFailure | undefined> {
  let full: JobFailure | undefined;
  const ousted = new AbortController();
  const leave = options.hurried.shares.enter(options.dir, (use, room) => {
    full = diskFull(use, room);
    ousted.abort();
  });
  const outgrown = await watchOwn(options, AbortSignal.any([signal, ousted.signal])).finally(leave);
  return signal.aborted ? undefined : (outgrown ?? full);
}

async function watchOwn(
  options: WorkspaceWatchOptions,
  signal: AbortSignal,
): Promise<JobFailure | undefined> {
  const { dir, bytesMax, filesMax, sandbox, hurried, log } = options;
  const room = options.roomOn ?? roomOn;
  let unknown = 0;
  let tookMs = 0;
  while (!signal.aborted) {
    const end = await nextLook(options, tookMs, signal);
    const startMs = performance.now();
    const use = await sandbox.diskUse(dir, signal).catch((error: unknown) => {
      log.warn("the size of a checkout is not known", { dir, error });
      return undefined;
    });
    end();
    tookMs = performance.now() - startMs;
    if (signal.aborted) break;
    hurried.shares.note(dir, use?.kind === "counted" ? use : NOTHING, await room(dir));
    if (signal.aborted) break;
    // That the engine refused a look says nothing of the files; if it does not come back, the run ends for that.
    if (use === undefined) continue;
    if (use.kind === "counted") {
      unknown = 0;
      if (use.bytes > bytesMax) return tooLarge(use.bytes, bytesMax);
      if (use.files > filesMax) return tooMany(use.files, filesMax);
      continue;
    }
    if (++unknown === UNKNOWN_LOOKS_MAX) return uncounted();
    log.warn("the size of a checkout could not be found in time", { dir });
  }
  return undefined;
}

/** What a run counts as whose files could not be counted. */
const NOTHING: DiskSize = { bytes: 0, files: 0 };

/**
 * Waits until it is time, or until so much of the disk is gone that it is better to look now. A look that is taken early takes no more
 * than half of the time, and has one of the few places for those.
 * @returns what to call after the look
 */
async function nextLook(
  { dir, clock, hurried, roomOn: room = roomOn }: WorkspaceWatchOptions,
  tookMs: number,
  signal: AbortSignal,
): Promise<() => void> {
  const before = await room(dir);
  for (let waitedMs = 0; waitedMs < WORKSPACE_LOOK_MS && !signal.aborted; waitedMs += DISK_LOOK_MS) {
    await clock.sleep(DISK_LOOK_MS, signal);
    const now = await room(dir);
    const isLost = before.bytes - now.bytes > LOST_BYTES_MAX || before.files - now.files > LOST_FILES_MAX;
    const isUrgent = isLost || (isLow(now) && !isLow(before));
    const end = isUrgent && waitedMs + DISK_LOOK_MS >= tookMs ? hurried.tryTake() : undefined;
    if (end !== undefined) return end;
  }
  return () => undefined;
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
      "Each of them takes an inode of the host's disk, so that limit is fixed. Have the item done in parts, or keep what it " +
      "installs and builds out of the checkout: in the image, or as one archive",
  );
}

function diskFull(use: DiskSize, room: DiskRoom): JobFailure {
  const files = room.bytes >= room.bytesFloor;
  const left = files ? `room for ${room.files} files` : formatByteSize(room.bytes);
  const took = files ? `${use.files} files and folders` : formatByteSize(use.bytes);
  return failure(
    "disk",
    `the disk of the run's host had ${left} left, and of the runs on it this one took the most, ${took}; it was ended so that the others go on. ` +
      "What it had committed is kept if the disk has room for it. Make room on the host, have it do fewer runs at once, or lower " +
      "CODING_AGENT_WORKSPACE_SIZE (server) or WSRUNNER_WORKSPACE_SIZE (runner)",
  );
}

function uncounted(): JobFailure {
  return failure(
    "disk",
    `the run's files could not be counted within ${formatDuration(DISK_USE_MS_MAX)}, ${UNKNOWN_LOOKS_MAX} times in a row, so it was ended: ` +
      "they may be any number. What it had committed is kept. If other runs of the host end like this, its disk is too slow; " +
      "else have the item done in parts that make fewer files",
  );
}
