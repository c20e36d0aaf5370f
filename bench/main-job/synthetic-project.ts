import { createCipheriv } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface ProjectSize {
  files: number;
  /** Of each file. */
  bytes: number;
}

const FILES_PER_FOLDER = 50;

/**
 * Writes a project of files that do not compress, the same ones each time, so that its size on disk, in a pack and in a
 * checkout is one figure.
 */
export function writeSyntheticProject(dir: string, size: ProjectSize): void {
  const stream = createCipheriv("aes-128-ctr", Buffer.alloc(16, 1), Buffer.alloc(16));
  const zeros = Buffer.alloc(Math.ceil((size.bytes * 3) / 4));
  for (let index = 0; index < size.files; index++) {
    const folder = join(dir, "src", `part-${Math.floor(index / FILES_PER_FOLDER)}`);
    mkdirSync(folder, { recursive: true });
    const text = stream.update(zeros).toString("base64").slice(0, size.bytes);
    writeFileSync(join(folder, `file-${index}.txt`), text);
  }
}
