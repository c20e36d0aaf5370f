import { ftruncateSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What is read of what a shell says about a command that it cannot parse, bytes: it is a line or two. */
const ERROR_BYTES_MAX = 16_384;

let file: number | undefined;

/**
 * Where a shell writes before it has sent its errors to its output, which is only what it says of a command that it cannot
 * parse. A file without a name for all commands, as a second pipe each would cost every turn two changes of thread.
 * @returns `inherit` when /tmp takes no file
 */
export function shellErrors(): number | "inherit" {
  try {
    file ??= openNameless();
    return file;
  } catch {
    return "inherit";
  }
}

/** What the last shell said there, once it has ended. */
export function takeShellErrors(): Uint8Array {
  if (file === undefined) return new Uint8Array();
  const bytes = Buffer.alloc(ERROR_BYTES_MAX);
  const length = readSync(file, bytes, 0, bytes.length, 0);
  if (length > 0) ftruncateSync(file);
  return bytes.subarray(0, length);
}

function openNameless(): number {
  const dir = mkdtempSync(join(tmpdir(), "windshift-shell-"));
  try {
    return openSync(join(dir, "errors"), "ax+", 0o600);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
