import { constants, copyFile, link, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";

/**
 * Brings the packs of one repository of ours into another. Neither is told of the other: no alternates file is made.
 * @param how `copy`: files of their own, for a checkout an agent will own. `link`: the same files under a second name,
 *   for a repository that only we write to; copied where links cannot be made.
 */
export async function bringPacks(fromGitDir: string, toGitDir: string, how: "copy" | "link"): Promise<void> {
  const from = join(fromGitDir, "objects", "pack");
  const to = join(toGitDir, "objects", "pack");
  await mkdir(to, { recursive: true });
  const names = await readdir(from);
  // git writes the index last, so a pack that has one is whole; others are being written right now.
  const whole = new Set(
    names.filter((name) => name.endsWith(".idx")).map((name) => name.slice(0, -".idx".length)),
  );
  const wanted = names.filter(
    (name) => /\.(?:pack|idx|rev)$/.test(name) && whole.has(name.replace(/\.\w+$/, "")),
  );
  await Promise.all(
    wanted.map((name) => (how === "link" ? linkOrCopy : copy)(join(from, name), join(to, name))),
  );
}

function copy(from: string, to: string): Promise<void> {
  return copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EXDEV" && code !== "EPERM" && code !== "EMLINK") throw error;
    await copy(from, to);
  }
}
