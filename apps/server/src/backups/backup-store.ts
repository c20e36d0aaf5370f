import { existsSync } from "node:fs";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Backup, BackupId } from "@windshift/contract/api/backup.ts";
import { z } from "zod";

/** What is known of a backup without reading it; a small file beside it. */
export const BackupFacts = z.object({
  sha256: z.string(),
  database: z.boolean(),
  repositories: z.int(),
  created_at: z.iso.datetime(),
});
export type BackupFacts = z.infer<typeof BackupFacts>;

/** Where a server keeps the backups it makes itself. */
export function backupFolder(dataDir: string): string {
  return join(dataDir, "backups");
}
/** Where the parts of a backup are gathered. */
export function partsFolder(target: string): string {
  return join(dirname(target), `.${basename(target, ".tar")}.parts`);
}

/** What is known of a backup stands beside it. */
export function factsFile(target: string): string {
  return `${target}.json`;
}

/** A name that no backup has: the second it is made in. */
export function newBackupId(folder: string, nowMs: number): BackupId {
  const second = `windshift-${new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, "")}`;
  for (let n = 1; ; n++) {
    const id = n === 1 ? `${second}.tar` : `${second}-${n}.tar`;
    if (!existsSync(join(folder, id))) return BackupId.parse(id);
  }
}

/** Backups that are whole, newest first. */
export async function listBackups(folder: string): Promise<Backup[]> {
  if (!existsSync(folder)) return [];
  const ids = (await readdir(folder)).flatMap((name) => BackupId.safeParse(name).data ?? []);
  const backups = await Promise.all(ids.map((id) => findBackup(folder, id)));
  return backups.flatMap((backup) => backup ?? []).toSorted((a, b) => (a.id < b.id ? 1 : -1));
}

/** A backup that is whole. @returns undefined when there is none of that name, or its facts cannot be read */
export async function findBackup(folder: string, id: BackupId): Promise<Backup | undefined> {
  const file = join(folder, id);
  try {
    const { size } = await stat(file);
    const facts = BackupFacts.parse(JSON.parse(await readFile(factsFile(file), "utf8")));
    return { id, state: "done", bytes: size, problem: null, ...facts };
  } catch {
    // One without its facts was being written or deleted when a server ended.
    return undefined;
  }
}

/** @returns whether it was there */
export async function deleteBackup(folder: string, id: BackupId): Promise<boolean> {
  const file = join(folder, id);
  const there = existsSync(file);
  await rm(file, { force: true });
  await rm(factsFile(file), { force: true });
  return there;
}

/** Bytes that were gathered so far for a backup that is being written. */
export async function gatheredBytes(target: string): Promise<number> {
  const parts = partsFolder(target);
  return (await folderBytes(parts)) + (await folderBytes(`${parts}.tar`));
}

/** Bytes of a file, or of all files below a folder; 0 when there is none. */
export async function folderBytes(path: string): Promise<number> {
  const sizeOf = (file: string) =>
    stat(file).then(
      (found) => (found.isFile() ? found.size : 0),
      () => 0,
    );
  const names = await readdir(path, { recursive: true }).catch(() => [] as string[]);
  const sizes = await Promise.all(names.map((name) => sizeOf(join(path, name))));
  return sizes.reduce((sum, size) => sum + size, await sizeOf(path));
}
