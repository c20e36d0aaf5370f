import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Database } from "../db/database.ts";
import { strayFiles } from "./transcript-archive-store.ts";

/** A file that no run names is somebody's work until it is so old, ms: no archive takes longer to write. */
const STRAY_AGE_MS = 24 * 3_600_000;
/** Names asked for at once. */
const NAMES_AT_ONCE = 500;
const OURS = /^run-(\d+)-[0-9a-f]{12}\.jsonl\.gz(?:\.part)?$/;

/**
 * Takes away files of transcripts that are nobody's any more: of deleted transcripts, and of servers that ended while they wrote and
 * whose work was done again. Files with other names are left alone, and what may be all that is there once an older backup was
 * restored: files of runs that this database does not know, whose transcript it holds, or that are younger than their file.
 * @param strayMs age from which a file that no run names goes; a day unless said
 * @returns how many went
 */
export async function tidyArchive(
  database: Database,
  folder: string,
  strayMs = STRAY_AGE_MS,
): Promise<number> {
  let removed = 0;
  const root = join(folder, "transcripts");
  for (const group of await namesIn(root)) {
    const files = (await namesIn(join(root, group))).filter((name) => OURS.test(name));
    for (let at = 0; at < files.length; at += NAMES_AT_ONCE) {
      const some = files.slice(at, at + NAMES_AT_ONCE);
      const runs = new Map(
        some.map((name) => [`transcripts/${group}/${name}`, Number(OURS.exec(name)?.[1])]),
      );
      for (const { file, runCreatedAtMs } of await strayFiles(database.kysely, runs)) {
        if (!(await wasWritten(join(folder, file), runCreatedAtMs, Date.now() - strayMs))) continue;
        await rm(join(folder, file), { force: true });
        removed++;
      }
    }
  }
  return removed;
}

/** Whether the file is there and was written between the two times, ms. */
async function wasWritten(path: string, fromMs: number, toMs: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.mtimeMs >= fromMs && found.mtimeMs <= toMs;
}

async function namesIn(dir: string): Promise<string[]> {
  return await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return [];
    throw error;
  });
}
