import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { AppError } from "@windshift/contract/app-error.ts";

/** What an archive file is: its size and SHA-256 as it lies there, compressed, and the lines in it. */
export interface ArchiveFacts {
  bytes: number;
  sha256: string;
  lines: number;
}

/** Marks a name as one file of its own: two servers that archive the same never write into each other's. */
export function uniqueMark(): string {
  return randomBytes(6).toString("hex");
}

/**
 * Writes lines into a gzip file, reads it back, and puts it in place. When it resolves, the file is on the disk under its name and
 * holds what was given; else nothing is there.
 * @param lines each without its end of line
 * @throws AppError `unavailable` when the folder cannot be written to, or what was read back is not what was written
 */
export async function writeArchive(file: string, lines: AsyncIterable<string>): Promise<ArchiveFacts> {
  const part = `${file}.part`;
  const plain = createHash("sha256");
  let count = 0;
  async function* counted() {
    for await (const line of lines) {
      count++;
      const bytes = Buffer.from(`${line}\n`);
      plain.update(bytes);
      yield bytes;
    }
  }
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await compress(counted(), part);
    const found = await readArchive(part);
    if (found.plainSha256 !== plain.digest("hex") || found.lines !== count)
      throw new Error("what was read back is not what was written");
    await rename(part, file);
    await syncFolder(dirname(file));
    return { bytes: found.bytes, sha256: found.sha256, lines: count };
  } catch (cause) {
    await rm(part, { force: true }).catch(() => {});
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AppError("unavailable", `the archive ${file} cannot be written: ${why}`, { cause });
  }
}

/** Reads a whole archive, a piece at a time. @throws Error when it is missing or damaged */
export async function readArchive(file: string): Promise<ArchiveFacts & { plainSha256: string }> {
  const packed = createHash("sha256");
  const plain = createHash("sha256");
  let bytes = 0;
  let lines = 0;
  await pipeline(
    createReadStream(file),
    async function* (source: AsyncIterable<Buffer>) {
      for await (const piece of source) {
        packed.update(piece);
        bytes += piece.length;
        yield piece;
      }
    },
    createGunzip(),
    async (source: AsyncIterable<Buffer>) => {
      for await (const piece of source) {
        plain.update(piece);
        for (const byte of piece) if (byte === 10) lines++;
      }
    },
  );
  return { bytes, sha256: packed.digest("hex"), lines, plainSha256: plain.digest("hex") };
}

/**
 * What is in an archive, as a stream that ends with an error where the file is damaged.
 * @throws AppError `unavailable` when this server does not have the file
 */
export async function openArchive(file: string): Promise<ReadableStream<Uint8Array>> {
  const handle = await open(file).catch((cause: NodeJS.ErrnoException) => {
    throw new AppError(
      "unavailable",
      `the archive ${file} cannot be read here (${cause.code}); where there are several servers, WINDSHIFT_ARCHIVE has to be one folder for all`,
      { cause },
    );
  });
  const plain = createGunzip();
  // A failure reaches the reader through `plain`, which the pipeline ends with it.
  pipeline(handle.createReadStream(), plain).catch(() => {});
  return Readable.toWeb(plain) as unknown as ReadableStream<Uint8Array>;
}

async function compress(source: AsyncIterable<Buffer>, part: string): Promise<void> {
  const handle = await open(part, "wx", 0o600);
  try {
    await pipeline(source, createGzip(), async (pieces: AsyncIterable<Buffer>) => {
      for await (const piece of pieces) await handle.writeFile(piece);
    });
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** So that the file has its name after a power cut, too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
