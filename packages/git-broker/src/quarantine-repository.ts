import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A bare repository for one push, in which nobody wrote but us. */
export interface Quarantine {
  dir: string;
  packDir: string;
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
  return { dir, packDir, remove: () => rm(dir, { recursive: true, force: true }) };
}
