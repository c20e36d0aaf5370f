import { exec } from "@windshift/base/exec.ts";

/** Time for adding up a folder, ms: a million files take some ten seconds on a slow disk. */
export const DISK_USE_MS_MAX = 120_000;

export interface DiskSize {
  /** Blocks on the disk, not lengths: a sparse file counts as what it takes. */
  bytes: number;
  /**
   * Names in it: files, folders and all else that takes an inode. A file with two names counts as two, and so does a name with a line
   * break in it.
   */
  files: number;
}

/** What a look at a folder found. */
export type DiskUse =
  | (DiskSize & {
      kind: "counted";
      /** Some of it could not be looked into, so the numbers are too low. */
      partial: boolean;
    })
  /** It took too long, or was called off. */
  | { kind: "unknown" };

const UNKNOWN: DiskUse = { kind: "unknown" };

/**
 * What a folder takes on the disk, links not followed. A folder that does not exist takes nothing. Never rejects. When this resolves,
 * nothing walks the folder any more: each program is started without a shell before it, so that it is the one that is killed.
 * @param msMax for both numbers together
 */
export async function diskUse(
  dir: string,
  path: string,
  signal?: AbortSignal,
  msMax = DISK_USE_MS_MAX,
): Promise<DiskUse> {
  const untilMs = performance.now() + msMax;
  const walk = async (argv: readonly string[], onStdout?: (chunk: Uint8Array) => void) => {
    if (signal?.aborted) return undefined;
    const timeoutMs = Math.max(1, untilMs - performance.now());
    const env = { PATH: path, LC_ALL: "C" };
    const end = await exec(argv, { env, timeoutMs, outputBytesMax: 4_096, signal, onStdout });
    return end.timedOut || signal?.aborted ? undefined : end;
  };
  try {
    const sum = await walk(["du", "-s", "-x", "-k", "--", dir]);
    if (sum === undefined) return UNKNOWN;
    let files = 0;
    const names = await walk(["find", dir, "-xdev", "-print"], (chunk) => {
      files += linesIn(chunk);
    });
    if (names === undefined) return UNKNOWN;
    const partial = sum.exitCode !== 0 || names.exitCode !== 0;
    return { kind: "counted", bytes: bytesOf(sum.stdout) ?? 0, files, partial };
  } catch {
    // No such program, or none could be started.
    return { kind: "counted", bytes: 0, files: 0, partial: true };
  }
}

/** Both numbers, one a line, of the folder that is its first argument; also of a small shell and its `du` and `find`. */
const COUNT = 'du -s -x -k -- "$1"; find "$1" -xdev -print | wc -l';

/**
 * A command that counts `dir` in a container, which is ended as a whole, and prints what `parseDiskSize` reads. It succeeds also when
 * something went away under its feet.
 */
export function countCommand(dir: string): [string, ...string[]] {
  return ["sh", "-c", COUNT, "count", dir];
}

/** From what `countCommand` prints; undefined when that is not two numbers. */
export function parseDiskSize(text: string): DiskSize | undefined {
  const bytes = bytesOf(text);
  const files = /^ *(\d+) *$/m.exec(text)?.[1];
  return bytes === undefined || files === undefined ? undefined : { bytes, files: Number(files) };
}

/** From what `du -k` prints. */
function bytesOf(text: string): number | undefined {
  const kib = /^(\d+)\s/.exec(text)?.[1];
  return kib === undefined ? undefined : 1_024 * Number(kib);
}

const LINE_FEED = 10;

function linesIn(chunk: Uint8Array): number {
  let lines = 0;
  for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, at + 1)) lines++;
  return lines;
}
