import { git } from "@windshift/base/git.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { PackIndex } from "./pack-index.ts";

/**
 * Deltas of a push that may build on one another. git makes chains of 50, and of 4,095 when told to; reading all objects of a
 * chain takes time by the square of its length.
 */
export const PUSH_DELTA_DEPTH_MAX = 4_095;
/** One look at each entry of the index, ms: 500,000 take a second or two. */
const LOOK_MS_MAX = 30_000;
/** Two ids, a space and a line end, bytes. */
const LINE_BYTES = 82;

/** Whether objects of the pack build on one another deeper than is taken. A pack of fewer objects needs no look. */
export async function hasDeepDeltas(gitDir: string, pack: PackIndex, path?: string): Promise<boolean> {
  if (pack.count <= PUSH_DELTA_DEPTH_MAX) return false;
  const asked = await git(
    [`--git-dir=${gitDir}`, "cat-file", "--batch-check=%(objectname) %(deltabase)", "--buffer"],
    {
      timeoutMs: LOOK_MS_MAX,
      stdin: `${[...pack].join("\n")}\n`,
      outputBytesMax: pack.count * LINE_BYTES,
      ...(path === undefined ? {} : { path }),
      extraEnv: { GIT_NO_REPLACE_OBJECTS: "1" },
    },
  );
  if (asked.exitCode !== 0)
    throw new AppError("internal", "git could not tell what the deltas of a push build on");
  const bases = new Map(
    asked.stdout
      .trimEnd()
      .split("\n")
      .map((line) => [line.slice(0, 40), line.slice(41)]),
  );
  return isDeep(bases);
}

/** @param bases what each object builds on; that of a whole one is no object of the pack */
function isDeep(bases: ReadonlyMap<string, string>): boolean {
  const depths = new Map<string, number>();
  for (const start of bases.keys()) {
    const links: string[] = [];
    let at = start;
    for (let base = bases.get(at); base !== undefined && !depths.has(at); base = bases.get(at)) {
      links.push(at);
      // Also the way out of a circle, which objects that lie in two packs can make.
      if (links.length > PUSH_DELTA_DEPTH_MAX + 1) return true;
      at = base;
    }
    let depth = depths.get(at) ?? -1;
    for (const link of links.reverse()) depths.set(link, ++depth);
    if (depth > PUSH_DELTA_DEPTH_MAX) return true;
  }
  return false;
}
