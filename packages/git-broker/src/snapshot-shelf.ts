import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { unlessGone } from "./quarantine-repository.ts";

/** Snapshots kept of one repository: the base and the branch of some ten runs at once. */
export const SNAPSHOTS_MAX = 24;
/** Bytes of the packs of one repository's snapshots; the largest alone may take a quarter. */
export const SNAPSHOTS_BYTES_MAX = 1024 ** 3;

/**
 * Removes what is over the limits, used longest ago first. A push that still needs one of them is refused and works again
 * when it is tried again.
 * @param needed names that stay
 */
export async function trimSnapshots(
  dir: string,
  needed: readonly string[],
  max = { count: SNAPSHOTS_MAX, bytes: SNAPSHOTS_BYTES_MAX },
): Promise<void> {
  const kept = await Promise.all((await readdir(dir)).map((name) => sizeOf(dir, name)));
  const newestFirst = kept.filter((one) => one !== undefined).sort((a, b) => b.usedMs - a.usedMs);
  let [count, bytes] = [0, 0];
  for (const one of newestFirst) {
    count++;
    bytes += one.bytes;
    if ((count > max.count || bytes > max.bytes) && !needed.includes(one.name))
      await rm(join(dir, one.name), { recursive: true, force: true });
  }
}

async function sizeOf(dir: string, name: string) {
  const packs = join(dir, name, "objects", "pack");
  return unlessGone(async () => {
    const { mtimeMs } = await stat(join(dir, name));
    const sizes = await Promise.all((await readdir(packs)).map((file) => stat(join(packs, file))));
    return { name, usedMs: mtimeMs, bytes: sizes.reduce((sum, { size }) => sum + size, 0) };
  });
}
