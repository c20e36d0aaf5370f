import { existsSync } from "node:fs";
import { readdir, readFile, rm, stat, statfs, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { AppError } from "@windshift/contract/app-error.ts";
import { z } from "zod";
import { folderBytes, partsFolder } from "./backup-store.ts";

/** Parts that nobody can be asked about are left by a process that ended when they are older than any backup may take, ms. */
const STALE_MS = 12 * 3_600_000;
/** Room that a backup takes at most, in sizes of what it saves: the parts, and the file they are packed into. */
const COPIES = 2;

/** The process that gathers parts; a small file beside them. */
const Owner = z.object({ host: z.string(), pid: z.int() });
const OWN_NAME = /^\.windshift-[\dTZ-]+\.parts/;

/** Says beside the parts of a backup who gathers them, before there are any. */
export async function claimParts(target: string): Promise<void> {
  const owner: z.infer<typeof Owner> = { host: hostname(), pid: process.pid };
  await writeFile(`${partsFolder(target)}.owner`, JSON.stringify(owner), { mode: 0o600 });
}

/** Takes away the parts of one backup, packed or not. */
export async function removeParts(parts: string): Promise<void> {
  for (const path of [parts, `${parts}.tar`, `${parts}.owner`])
    await rm(path, { recursive: true, force: true });
}

/** Takes away what processes left that were killed: each a whole copy of the database. */
export async function removeStaleParts(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => OWN_NAME.test(name));
  const parts = new Set(names.map((name) => join(folder, name.replace(/\.(tar|owner)$/, ""))));
  for (const path of parts) if (await isStale(path)) await removeParts(path);
}

/**
 * @param sources files and folders that are saved
 * @param elsewhere bytes of what is saved and lies on no disk of this machine
 * @throws AppError `unavailable` when the parts and the file would not fit
 */
export async function requireRoom(target: string, sources: readonly string[], elsewhere = 0): Promise<void> {
  const sizes = await Promise.all(sources.map(folderBytes));
  const needed = COPIES * sizes.reduce((sum, size) => sum + size, elsewhere);
  const folder = dirname(target);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= needed) return;
  const room = `a backup takes up to ${inMegabytes(needed)} in ${folder} while it is written, and ${inMegabytes(free)} are free`;
  throw new AppError(
    "unavailable",
    `${room}; make room there, or have it written elsewhere with \`windshift backup\``,
  );
}

async function isStale(parts: string): Promise<boolean> {
  const owner = await readOwner(`${parts}.owner`);
  if (owner?.host === hostname()) return !isAlive(owner.pid);
  const ages = [parts, `${parts}.tar`, `${parts}.owner`].filter(existsSync).map(async (path) => {
    return Date.now() - (await stat(path)).mtimeMs;
  });
  return Math.min(...(await Promise.all(ages))) > STALE_MS;
}

async function readOwner(file: string): Promise<z.infer<typeof Owner> | undefined> {
  try {
    return Owner.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    // One from before owners were written, or cut off by the same end.
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function inMegabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1_000_000)} MB`;
}
