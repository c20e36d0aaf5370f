import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A bare repository for one push, in which nobody wrote but us. */
export interface Quarantine {
  dir: string;
  packDir: string;
  /** Gives it a name for good. */
  moveTo(dir: string): Promise<void>;
  remove(): Promise<void>;
}

/**
 * Makes one without starting a process.
 * @param alternates folders named `objects` whose objects it sees
 */
export async function makeQuarantine(tempRoot: string, alternates: readonly string[]): Promise<Quarantine> {
  const dir = await mkdtemp(join(tempRoot, "windshift-push-"));
  const packDir = join(dir, "objects", "pack");
  await Promise.all([
    mkdir(packDir, { recursive: true }),
    mkdir(join(dir, "objects", "info"), { recursive: true }),
    mkdir(join(dir, "refs")),
  ]);
  await Promise.all([
    writeFile(join(dir, "HEAD"), "ref: refs/heads/none\n"),
    writeFile(join(dir, "config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"),
    writeFile(join(dir, "objects", "info", "alternates"), alternates.map((path) => `${path}\n`).join("")),
  ]);
  return {
    dir,
    packDir,
    moveTo: (to) => rename(dir, to),
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

/**
 * Removes the folders in `root` that were not used for `unusedMs`: what a crash left, or what nobody needs any more. Others
 * may remove some of them at the same time.
 * @returns how many are left
 */
export async function sweepFolders(root: string, unusedMs: number): Promise<number> {
  let left = 0;
  for (const name of (await unlessGone(() => readdir(root))) ?? []) {
    const path = join(root, name);
    const found = await unlessGone(() => stat(path));
    if (found === undefined) continue;
    if (Date.now() - found.mtimeMs > unusedMs) await rm(path, { recursive: true, force: true });
    else left++;
  }
  return left;
}

/** @returns undefined when what it works on went away */
export async function unlessGone<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
