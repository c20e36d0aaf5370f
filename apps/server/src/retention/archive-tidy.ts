import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Database } from "../db/database.ts";
import { knownFiles } from "./transcript-archive-store.ts";

/** A file that no run names is somebody's work until it is so old, ms: no archive takes longer to write. */
const STRAY_AGE_MS = 24 * 3_600_000;
/** Names asked for at once. */
const NAMES_AT_ONCE = 500;
const OURS = /^run-\d+-[0-9a-f]{12}\.jsonl\.gz(?:\.part)?$/;

/**
 * Takes away files of transcripts that no run names any more: of deleted transcripts, and of servers that ended while they wrote.
 * Files with other names are left alone.
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
      const some = files.slice(at, at + NAMES_AT_ONCE).map((name) => `transcripts/${group}/${name}`);
      const known = await knownFiles(database.kysely, some);
      for (const file of some) {
        if (known.has(file) || !(await isOlder(join(folder, file), strayMs))) continue;
        await rm(join(folder, file), { force: true });
        removed++;
      }
    }
  }
  return removed;
}

async function isOlder(path: string, ageMs: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs >= ageMs;
}

async function namesIn(dir: string): Promise<string[]> {
  return await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return [];
    throw error;
  });
}
