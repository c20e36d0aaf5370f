import { isUtf8 } from "node:buffer";
import { constants } from "node:fs";
import { lstat, open } from "node:fs/promises";

/** The largest file the file tools take in, bytes; larger ones are for `bash`. */
export const FILE_BYTES_MAX = 16 * 1_048_576;
/** How far into a file a NUL is looked for to tell that it is binary, bytes. */
const BINARY_PROBE_BYTES = 8_192;

export type TextFile =
  | {
      kind: "text";
      text: string /** False when writing the text back would change other bytes: the file is not UTF-8. */;
      exact: boolean;
    }
  | { kind: "problem"; why: string };

/** Reads a whole text file. Never waits on a pipe or a device; says why when it cannot be shown as text. */
export async function readTextFile(path: string, shownPath: string): Promise<TextFile> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = await file.stat();
    if (stat.isDirectory()) return problem(`${shownPath} is a folder; list it with bash`);
    if (!stat.isFile()) return problem(`${shownPath} is not a regular file`);
    if (stat.size > FILE_BYTES_MAX)
      return problem(
        `${shownPath} has ${stat.size} bytes, over ${FILE_BYTES_MAX}; use bash to look at parts of it`,
      );
    const bytes = await file.readFile();
    if (bytes.subarray(0, BINARY_PROBE_BYTES).includes(0))
      return problem(`${shownPath} is binary (${bytes.length} bytes)`);
    return { kind: "text", text: bytes.toString("utf8"), exact: isUtf8(bytes) };
  } catch (error) {
    return problem(fileProblem(error, shownPath));
  }
}

/** True when a file can be written here; else why not. A pipe would hang us, a device would do worse. */
export async function isWritableTarget(path: string, shownPath: string): Promise<true | string> {
  const stat = await lstat(path).catch(() => undefined);
  if (stat?.isDirectory()) return `${shownPath} is a folder`;
  return stat === undefined || stat.isFile() ? true : `${shownPath} is not a regular file`;
}

/** What the system said about a file, in words. */
export function fileProblem(error: unknown, shownPath: string): string {
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case "ENOENT":
      return `${shownPath} does not exist`;
    case "EACCES":
    case "EPERM":
      return `no permission for ${shownPath}`;
    case "EISDIR":
      return `${shownPath} is a folder`;
    case "ENOTDIR":
      return `a part of ${shownPath} is a file, not a folder`;
    default:
      return `${shownPath}: ${code ?? String(error)}`;
  }
}

function problem(why: string): TextFile {
  return { kind: "problem", why };
}
