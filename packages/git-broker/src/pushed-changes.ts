import { type Commit, readCommit } from "./commit-walk.ts";
import type { ObjectReader } from "./object-reader.ts";
import { type TreeChange, TreeDiff } from "./tree-diff.ts";

/** Paths that all commits of one push may change together: far over what a person can review. */
export const PUSH_CHANGES_MAX = 200_000;

/** A push changes more than PUSH_CHANGES_MAX paths: it is refused, not looked at in part. */
export class TooManyChanges extends Error {}

/**
 * Every change of a push: what each commit changes against all of its parents, and what the whole push changes against what
 * was there before. The first finds what a later commit undoes; the second finds an old file that a merge brings back.
 * @throws TooManyChanges
 */
export async function* pushedChanges(
  reader: ObjectReader,
  commits: readonly Commit[],
  tip: string,
  before: string | null,
): AsyncGenerator<TreeChange, void> {
  const diff = new TreeDiff(reader);
  const trees = new Map(commits.map((commit) => [commit.oid, commit.tree]));
  const treeOf = async (oid: string | null | undefined): Promise<string | undefined> => {
    if (oid === null || oid === undefined) return undefined;
    const tree = trees.get(oid) ?? (await readCommit(reader, oid))?.tree;
    if (tree !== undefined) trees.set(oid, tree);
    return tree;
  };
  let left = PUSH_CHANGES_MAX;
  for (const commit of commits)
    for await (const change of ownChanges(diff, commit, treeOf)) {
      if (left-- === 0) throw new TooManyChanges();
      yield change;
    }
  const only = commits[0];
  if (commits.length === 1 && only?.parents.length === 1 && only.parents[0] === before) return;
  for await (const change of diff.changes(await treeOf(before), await treeOf(tip))) {
    if (left-- === 0) throw new TooManyChanges();
    yield change;
  }
}

/** A path that a merge took from one of its parents was changed there, not here. */
async function* ownChanges(
  diff: TreeDiff,
  commit: Commit,
  treeOf: (oid: string | undefined) => Promise<string | undefined>,
): AsyncGenerator<TreeChange, void> {
  const [first, ...others] = commit.parents;
  const inherited: Set<string>[] = [];
  for (const parent of others) {
    const differs = new Set<string>();
    for await (const change of diff.changes(await treeOf(parent), commit.tree)) differs.add(change.path);
    inherited.push(differs);
  }
  for await (const change of diff.changes(await treeOf(first), commit.tree))
    if (inherited.every((differs) => differs.has(change.path))) yield change;
}
