import { constants } from "node:fs";
import { type FileHandle, open, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** The largest file taken in whole, to edit it or to convert it, bytes. Larger ones are read in parts. */
export const FILE_BYTES_MAX = 16 * 1_048_576;
/** How far into a file is looked to tell what it is, bytes. */
export const PROBE_BYTES = 8_192;
/** Names offered in place of one that does not exist. */
const NAMES_OFFERED_MAX = 3;

export interface Problem {
  kind: "problem";
  why: string;
  /** What the system called it. */
  code?: string | undefined;
}
export interface OpenFile {
  kind: "open";
  file: FileHandle;
  size: number;
}

/**
 * Opens a regular file, and nothing else: a pipe would hang us, a device would do worse.
 * @param path without a symlink in it; one that has taken its place since is refused
 */
export async function openRegular(
  path: string,
  shownPath: string,
  flags: number,
): Promise<OpenFile | Problem> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = await file.stat();
    if (stat.isFile()) return { kind: "open", file, size: stat.size };
    await file.close();
    return problem({ code: stat.isDirectory() ? "EISDIR" : "ENXIO" }, shownPath);
  } catch (error) {
    await file?.close();
    return problem(error, shownPath);
  }
}

/** The same to read; the name of a file that does not exist is answered with names that are like it. */
export async function openToRead(path: string, shownPath: string): Promise<OpenFile | Problem> {
  const opened = await openRegular(path, shownPath, constants.O_RDONLY);
  if (opened.kind === "open" || opened.code !== "ENOENT") return opened;
  const names = await namesLike(path, dirname(shownPath));
  return names.length === 0 ? opened : { ...opened, why: `${opened.why}; there is ${names.join(", ")}` };
}

/** Up to `bytesMax` bytes from the start of a file. */
export async function readStart(file: FileHandle, bytesMax: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytesMax);
  let filled = 0;
  while (filled < bytesMax) {
    const { bytesRead } = await file.read(buffer, filled, bytesMax - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

export type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "binary";

/** What the first bytes of a file say. Text without a mark of its order counts as UTF-8, or as near to it as it is. */
export function encodingOf(probe: Buffer): Encoding {
  if (probe[0] === 0xff && probe[1] === 0xfe) return "utf-16le";
  if (probe[0] === 0xfe && probe[1] === 0xff) return "utf-16be";
  return probe.includes(0) ? "binary" : "utf-8";
}

/** What the system said about a file, in words. */
export function fileProblem(error: unknown, shownPath: string): string {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
      return `${shownPath} does not exist`;
    case "EACCES":
    case "EPERM":
      return `no permission for ${shownPath}`;
    case "EISDIR":
      return `${shownPath} is a folder; use list_files`;
    case "ENOTDIR":
      return `a part of ${shownPath} is a file, not a folder`;
    case "ENXIO": // a pipe nobody reads, a socket
    case "ELOOP": // a link that was not there when the path was followed
      return `${shownPath} is not a regular file`;
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return `no space left for ${shownPath}`;
    default:
      return `${shownPath}: ${code ?? String(error)}`;
  }
}

/** A failed call of the file system in words for the model. @param shownPath as the model named it */
export function problem(error: unknown, shownPath: string): Problem {
  return { kind: "problem", why: fileProblem(error, shownPath), code: (error as NodeJS.ErrnoException).code };
}

/** Names beside a missing one that differ in letter case, extension or a part of the name. */
async function namesLike(path: string, shownDir: string): Promise<string[]> {
  const wanted = basename(path).toLowerCase();
  const stem = stemOf(wanted);
  const names = await readdir(dirname(path)).catch((): string[] => []);
  const like = names.filter((name) => {
    const other = name.toLowerCase();
    return other === wanted || stemOf(other) === stem || (stem.length > 2 && other.includes(stem));
  });
  return like.slice(0, NAMES_OFFERED_MAX).map((name) => join(shownDir, name));
}

function stemOf(name: string): string {
  const dot = name.indexOf(".", 1);
  return dot === -1 ? name : name.slice(0, dot);
}
