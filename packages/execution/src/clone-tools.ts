import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { git } from "@windshift/base/git.ts";
import { removeTree } from "./tree-removal.ts";

/** What work on bare clones needs of the machine. */
export interface CloneTools {
  /** PATH on which git and flock are found. */
  path: string;
}

/** Time for one repack, ms: half an hour does the largest repositories there are. */
const REPACK_MS_MAX = 1_800_000;
/** What the one who holds a lock says when it has it. */
const HELD = "held";

/**
 * Removes a clone unless a git process holds its lock. It goes in one step, so that nobody ever sees half of one.
 * @returns whether it is gone
 */
export async function removeClone(tools: CloneTools, dir: string): Promise<boolean> {
  const moved = await locked(tools, dir, async () => {
    await rename(dir, `${dir}.gone`);
    return true;
  });
  if (!moved) return false;
  await removeTree(`${dir}.gone`);
  // The lock file stays: another may wait for that very file.
  await rm(`${dir}.used`, { force: true });
  return true;
}

/**
 * Makes all packs of a clone one, without what no ref reaches any more. Safe to be cut off: the old packs go when the new one
 * stands. @returns whether it was done
 */
export function repackClone(tools: CloneTools, dir: string, signal: AbortSignal): Promise<boolean> {
  return locked(tools, dir, async () => {
    try {
      const args = ["-c", "pack.threads=1", "repack", "-a", "-d", "-q"];
      const result = await git(args, { cwd: dir, path: tools.path, timeoutMs: REPACK_MS_MAX, signal });
      if (result.exitCode === 0) return true;
      if (signal.aborted) return false;
      throw new Error(`git repack ended with ${result.exitCode}: ${result.stderr.trim().slice(0, 500)}`);
    } finally {
      await removeHalfPacks(dir);
    }
  });
}

/** Packs of a clone; 0 for a folder that is none. */
export async function packCount(dir: string): Promise<number> {
  return (await packNames(dir)).filter((name) => name.endsWith(".pack")).length;
}

/** What a git that was killed had begun to write; while we hold the lock nobody writes. */
async function removeHalfPacks(dir: string): Promise<void> {
  for (const name of await packNames(dir))
    if (/^\.tmp-|^tmp_/.test(name)) await rm(join(dir, "objects", "pack", name), { force: true });
}

async function packNames(dir: string): Promise<string[]> {
  return readdir(join(dir, "objects", "pack")).catch(() => []);
}

/**
 * Does something with the lock that every git of ours holds while it writes to a clone. The lock is the kernel's, held by a
 * child that ends with its input, and so with us.
 * @returns what `act` does, or false when somebody else has the lock
 */
async function locked({ path }: CloneTools, dir: string, act: () => Promise<boolean>): Promise<boolean> {
  const holder = ["sh", "-c", `echo ${HELD}; exec cat > /dev/null`];
  const child = Bun.spawn(["flock", "--no-fork", "--exclusive", "--nonblock", `${dir}.lock`, ...holder], {
    env: { PATH: path, LC_ALL: "C" },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  try {
    const { value } = await child.stdout.getReader().read();
    return value === undefined ? false : await act();
  } finally {
    child.stdin.end();
    await child.exited;
  }
}
