import { statfs } from "node:fs/promises";
import { formatByteSize } from "@windshift/base/byte-size.ts";
import { type Check, failed, passed, warned } from "@windshift/execution/check.ts";
import { folderProblem } from "@windshift/execution/worktree.ts";
import { pathsOf, type RunnerSettings } from "../config.ts";

/** With less than this free not even a small repository is safely prepared, bytes. */
const FREE_BYTES_LEAST = 1_024 ** 3;

/** All that a runner keeps can be written. */
export async function checkFolders(settings: RunnerSettings): Promise<Check> {
  const { worktrees, clones, spool } = pathsOf(settings);
  for (const folder of [settings.cacheRoot, worktrees, clones, spool]) {
    const problem = await folderProblem(folder);
    if (problem !== undefined)
      return failed(
        "cache root",
        `${folder} ${problem}. Make it writable for the user that the runner runs as, or choose another with WSRUNNER_CACHE_ROOT.`,
      );
  }
  return passed("cache root", settings.cacheRoot);
}

/** There is room for what the settings permit. */
export async function checkDisk(settings: RunnerSettings): Promise<Check> {
  const { cacheRoot, capacity, workspaceBytesMax } = settings;
  const { bavail, bsize } = await statfs(cacheRoot);
  const free = bavail * bsize;
  const said = `${formatByteSize(free)} are free in ${cacheRoot}`;
  if (free < FREE_BYTES_LEAST)
    return failed("disk", `${said}. Make room: runs would fail while they are prepared.`);
  const wanted = capacity * workspaceBytesMax;
  if (free >= wanted) return passed("disk", said);
  return warned(
    "disk",
    `${said}, and ${capacity === 1 ? "a checkout" : `${capacity} checkouts`} may grow to ${formatByteSize(wanted)}. Make room, or lower WSRUNNER_WORKSPACE_SIZE or WSRUNNER_CACHE_SIZE.`,
  );
}
