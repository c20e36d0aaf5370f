import type { Mergeability } from "@windshift/contract/api/pull-request.ts";
import { Oid } from "@windshift/contract/ids.ts";
import { gitOn } from "./local-git.ts";
import { hasCommit, isAncestor, readBranch } from "./local-history.ts";

export interface MergeRequest {
  targetBranch: string;
  headOid: Oid;
}

export type MergeResult =
  /** The branch points at `oid` now, a merge commit of ours. */
  | { kind: "merged"; oid: Oid }
  | Exclude<Mergeability, { kind: "clean" | "contained" }>
  /** Everything was on the branch already, which points at `oid`. */
  | { kind: "contained"; oid: Oid }
  /** Somebody else moved the branch meanwhile; nothing was changed. */
  | { kind: "moved" };

type Tried =
  | { kind: "clean"; tree: Oid; target: Oid }
  | { kind: "contained"; target: Oid }
  | Exclude<Mergeability, { kind: "clean" | "contained" }>;

/** Whether the commits could be merged now. Nothing is changed. */
export async function readMergeability(dir: string, request: MergeRequest): Promise<Mergeability> {
  const tried = await tryMerge(dir, request);
  return tried.kind === "clean" || tried.kind === "contained" ? { kind: tried.kind } : tried;
}

/**
 * Merges commits into a branch, in memory: no working tree, no hooks. The branch is moved only if it still points at
 * what was merged with.
 */
export async function mergeInto(
  dir: string,
  request: MergeRequest & { message: string; person: { name: string; email: string } },
): Promise<MergeResult> {
  const tried = await tryMerge(dir, request);
  if (tried.kind === "contained") return { kind: "contained", oid: tried.target };
  if (tried.kind !== "clean") return tried;
  const oid = await commit(dir, tried.tree, [tried.target, request.headOid], request);
  const ref = `refs/heads/${request.targetBranch}`;
  const moved = await gitOn(dir, ["update-ref", "--no-deref", ref, oid, tried.target], {
    expected: [1, 128],
  });
  return moved.exitCode === 0 ? { kind: "merged", oid } : { kind: "moved" };
}

async function tryMerge(dir: string, request: MergeRequest): Promise<Tried> {
  const target = await readBranch(dir, request.targetBranch);
  if (target === undefined) {
    return { kind: "missing", detail: `the branch ${request.targetBranch} does not exist` };
  }
  if (!(await hasCommit(dir, request.headOid))) {
    return { kind: "missing", detail: `the commit ${request.headOid} does not exist` };
  }
  if (await isAncestor(dir, request.headOid, target)) return { kind: "contained", target };
  const merged = await gitOn(
    dir,
    ["merge-tree", "--write-tree", "--no-messages", "--name-only", "-z", target, request.headOid],
    { expected: [1] },
  );
  const [tree = "", ...paths] = merged.stdout.split("\0");
  if (merged.exitCode === 1)
    return { kind: "conflict", paths: [...new Set(paths.filter((path) => path !== ""))] };
  return { kind: "clean", tree: Oid.parse(tree.trim()), target };
}

async function commit(
  dir: string,
  tree: Oid,
  parents: Oid[],
  request: { message: string; person: { name: string; email: string } },
): Promise<Oid> {
  const { name, email } = request.person;
  const { stdout } = await gitOn(
    dir,
    [
      "commit-tree",
      "--no-gpg-sign",
      ...parents.flatMap((parent) => ["-p", parent]),
      "-m",
      request.message,
      tree,
    ],
    {
      extraEnv: {
        GIT_AUTHOR_NAME: identity(name),
        GIT_AUTHOR_EMAIL: identity(email),
        GIT_COMMITTER_NAME: "Windshift",
        GIT_COMMITTER_EMAIL: "windshift@windshift.local",
      },
    },
  );
  return Oid.parse(stdout.trim());
}

/** Git drops some characters of a name and refuses one of nothing else. */
function identity(text: string): string {
  return text.replace(/[<>\p{Cc}]/gu, "").trim() || "somebody";
}
