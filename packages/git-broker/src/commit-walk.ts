import { EXPORT_COMMITS_MAX } from "@windshift/contract/limits.ts";
import type { ObjectReader } from "./object-reader.ts";
import type { PackIndex } from "./pack-index.ts";

/** A commit as far as the gate looks at it; object ids are hex. */
export interface Commit {
  oid: string;
  tree: string;
  parents: readonly string[];
}

export type Walk =
  | { kind: "walked" /** Commits the push brings, newest first. */; commits: Commit[] }
  | { kind: "refused"; why: string };

/** What was there before a push. */
export interface Ground {
  /** The commit the run started from; null when its base branch had none. */
  base: string | null;
  /** What the branch pointed at before. */
  branch: string | null;
  /** Whether `ancestor` is `commit` or one of its ancestors, as far as the history at hand tells. */
  isAncestor(ancestor: string, commit: string): Promise<boolean>;
}

/** Commits outside of the push that it may be joined to: a merge joins two, and honest pushes have few of them. */
const OUTSIDE_MAX = 64;

/**
 * Walks from the pushed tip to what was there before. The tip must stand on the commit the run started from, or on what the
 * branch had, and nothing else may be joined in: no history of its own, no commits of another run.
 */
export async function walkCommits(
  reader: ObjectReader,
  pack: PackIndex,
  tip: string,
  ground: Ground,
): Promise<Walk> {
  const outside = new Set<string>();
  const seen = new Set<string>([tip]);
  const commits: Commit[] = [];
  for (const queue = [tip]; queue.length > 0; ) {
    const oid = queue.shift() as string;
    if (oid === ground.base || oid === ground.branch || !pack.has(oid)) {
      outside.add(oid);
      continue;
    }
    if (commits.length === EXPORT_COMMITS_MAX)
      return refused(`it brings more than ${EXPORT_COMMITS_MAX} commits`);
    const commit = await readCommit(reader, oid);
    if (commit === undefined) return refused(`${oid.slice(0, 12)} is not a commit`);
    if (commit.parents.length === 0 && ground.base !== null)
      return refused(`commit ${oid.slice(0, 12)} begins a history of its own`);
    commits.push(commit);
    for (const parent of commit.parents)
      if (!seen.has(parent)) {
        seen.add(parent);
        queue.push(parent);
      }
  }
  const why = await judgeOutside(outside, ground);
  return why === undefined ? { kind: "walked", commits } : refused(why);
}

async function judgeOutside(outside: ReadonlySet<string>, ground: Ground): Promise<string | undefined> {
  const { base, branch } = ground;
  if (outside.size > OUTSIDE_MAX)
    return `it is joined to more than ${OUTSIDE_MAX} commits that are not in it`;
  let stands = base === null || outside.has(base) || (branch !== null && outside.has(branch));
  for (const oid of outside) {
    if (oid === base || oid === branch) continue;
    if (base !== null && (await ground.isAncestor(oid, base))) continue;
    if (branch === null || !(await ground.isAncestor(oid, branch)))
      return `commit ${oid.slice(0, 12)} is neither in it nor in the history this run started from`;
    stands ||= base !== null && (await ground.isAncestor(base, oid));
  }
  return stands ? undefined : `it does not stand on ${base?.slice(0, 12)}, the commit this run started from`;
}

/** @returns undefined when `oid` is no commit */
export async function readCommit(reader: ObjectReader, oid: string): Promise<Commit | undefined> {
  const object = await reader.read(oid);
  if (object?.type !== "commit") return undefined;
  const end = object.bytes.indexOf("\n\n");
  const head = object.bytes.toString("latin1", 0, end < 0 ? undefined : end).split("\n");
  const tree = head.find((line) => line.startsWith("tree "))?.slice(5);
  if (tree === undefined) return undefined;
  const parents = head.filter((line) => line.startsWith("parent ")).map((line) => line.slice(7));
  return { oid, tree, parents };
}

function refused(why: string): Walk {
  return { kind: "refused", why };
}
