import { constants } from "node:fs";
import { type FileHandle, mkdir, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { openRegular, type Problem, problem, readStart } from "./text-file.ts";

export interface Written {
  kind: "written";
  /** Bytes the file had before; undefined when it was made. */
  bytesBefore: number | undefined;
}

/**
 * Gives a file this content, making it and its folders where they are missing.
 *
 * The bytes go into the file that is there, so that its mode, owner, hard links and attributes stay and nothing else
 * shows up in the checkout; a new file moved over it would lose the links, and could be left behind. When the write
 * fails (no space, a quota) the old content is put back: its blocks are still the file's. What this does not outlive is
 * being killed in mid-write, and neither does any other uncommitted work: the checkout goes with its container.
 */
export async function writeWhole(
  path: string,
  shownPath: string,
  content: Buffer,
): Promise<Written | Problem> {
  const present = await openRegular(path, shownPath, constants.O_RDWR);
  if (present.kind === "problem")
    return present.code === "ENOENT" ? writeNew(path, shownPath, content) : present;
  await using file = present.file;
  try {
    await replaceContent(file, present.size, content);
    return { kind: "written", bytesBefore: present.size };
  } catch (error) {
    return problem(error, shownPath);
  }
}

async function writeNew(path: string, shownPath: string, content: Buffer): Promise<Written | Problem> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const made = await openRegular(
      path,
      shownPath,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
    );
    if (made.kind === "problem") return made;
    await using file = made.file;
    try {
      await writeAll(file, content);
      return { kind: "written", bytesBefore: undefined };
    } catch (error) {
      await unlink(path); // better none than a part of it
      throw error;
    }
  } catch (error) {
    return problem(error, shownPath);
  }
}

async function replaceContent(file: FileHandle, size: number, content: Buffer): Promise<void> {
  const overwritten = await readStart(file, Math.min(size, content.length));
  try {
    await writeAll(file, content);
    await file.truncate(content.length); // last, as it needs no space
  } catch (error) {
    await writeAll(file, overwritten);
    await file.truncate(size);
    throw error;
  }
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; )
    at += (await file.write(bytes, at, bytes.length - at, at)).bytesWritten;
}
