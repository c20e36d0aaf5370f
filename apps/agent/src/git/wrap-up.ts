import { lstatSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ExecResult } from "@windshift/base/exec.ts";
import { trailers } from "./git-environment.ts";
import { type GitPlace, type GitTree, readTree, type TreeEntry, treeGit } from "./git-tree.ts";

/** Time for one git command of the wrap-up, ms; adding a large tree takes a while. */
const GIT_MS_MAX = 120_000;
/** Larger files stay out of the wrap-up's commit, bytes: no forge takes them (the strictest refuses 100 MB), and one refuses the whole push. */
const FILE_BYTES_MAX = 50 * 1_048_576;
/** Locks of killed gits that are cleared away before giving up. */
const LOCKS_MAX = 3;
/** Files that are tried one by one when git cannot add them all. */
const SINGLES_MAX = 500;
/** Left out or unmerged files that a person is shown by name. */
const NAMES_SHOWN = 5;
const SUBJECT = "Keep uncommitted changes of the run";
const BODY =
  "Made by the agent's wrap-up: these changes were in the working tree when the\nrun ended and had not been committed.";

export type WrapUp =
  | { kind: "clean" }
  /** `remarks`, each a sentence, say what a person must know of the commit: what is not in it, what is unfinished in it. */
  | { kind: "committed"; files: number; remarks: string[] }
  /** There is nothing that could be committed; `remarks` say what is left. */
  | { kind: "left"; remarks: string[] }
  /** The changes are still there, uncommitted. */
  | { kind: "failed"; why: string };

/** Commits what the model left uncommitted, so that it is not lost; files that are ignored stay out. Never rejects. */
export async function wrapUp(place: GitPlace): Promise<WrapUp> {
  const tree = await readTree(place, GIT_MS_MAX);
  if (!("entries" in tree)) return failed("git status", tree);
  if (tree.entries.length === 0) return { kind: "clean" };
  const leftOut = tree.entries.filter((entry) => isLeftOut(place.root, entry));
  const add = await addAll(place, tree.entries, leftOut);
  const messages = [SUBJECT, BODY, trailers(place.env)].filter((text) => text !== "");
  const options = ["--quiet", "--no-verify", ...messages.flatMap((text) => ["-m", text])];
  const commit = await unlocked(place, ["commit", ...options]);
  const after = await readTree(place, GIT_MS_MAX);
  const left = "entries" in after ? after.entries : [];
  const remarks = remarksOn(tree, left, leftOut);
  // A file that could not be added does not keep the others out; so it is the commit that tells.
  if (commit.exitCode !== 0) {
    if (add.exitCode !== 0) return failed("git add", add);
    return (await isStaged(place)) ? failed("git commit", commit) : { kind: "left", remarks };
  }
  const names = new Set(left.map(({ path }) => path));
  return { kind: "committed", files: tree.entries.filter(({ path }) => !names.has(path)).length, remarks };
}

/** Whether there was something to commit. */
async function isStaged(place: GitPlace): Promise<boolean> {
  const { exitCode } = await treeGit(place, ["diff", "--cached", "--quiet"], { timeoutMs: GIT_MS_MAX });
  return exitCode !== 0;
}

/** All at once; one by one when a file makes git give up altogether, so that it does not keep the others out. */
async function addAll(
  place: GitPlace,
  entries: readonly TreeEntry[],
  leftOut: readonly TreeEntry[],
): Promise<ExecResult> {
  const excluded = leftOut.map(({ path }) => `:(top,exclude,literal)${path.replace(/\/$/, "")}`);
  const paths = { stdin: [":/", ...excluded].join("\0") };
  const add = ["add", "--all", "--ignore-errors"];
  const result = await unlocked(place, [...add, "--pathspec-from-file=-", "--pathspec-file-nul"], paths);
  if (result.exitCode === 0 || entries.length > SINGLES_MAX) return result;
  const endMs = performance.now() + GIT_MS_MAX;
  for (const entry of entries)
    if (!leftOut.includes(entry) && performance.now() < endMs)
      await unlocked(place, [...add, "--", `:(top,literal)${entry.path}`]);
  return result;
}

/** A new repository inside the checkout would become a link to nothing, and a huge file would stop the push. */
function isLeftOut(root: string, { path, state }: TreeEntry): boolean {
  if (state === "untracked" && path.endsWith("/")) return true;
  const stat = lstatSync(join(root, path), { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size > FILE_BYTES_MAX;
}

/** A git that was killed leaves its locks behind. Every command of the run has ended, so nobody holds them. */
async function unlocked(
  place: GitPlace,
  args: readonly string[],
  input: { stdin?: string } = {},
): Promise<ExecResult> {
  const options = { timeoutMs: GIT_MS_MAX, ...input };
  let result = await treeGit(place, args, options);
  for (let cleared = 0; cleared < LOCKS_MAX && result.exitCode !== 0; cleared++) {
    const lock = /Unable to create '([^']+\.lock)': File exists/.exec(result.stderr)?.[1];
    if (lock === undefined) break;
    rmSync(lock, { force: true });
    result = await treeGit(place, args, options);
  }
  return result;
}

function remarksOn(before: GitTree, left: readonly TreeEntry[], leftOut: readonly TreeEntry[]): string[] {
  const unmerged = before.entries.filter(({ state }) => state === "unmerged");
  const known = new Set(leftOut.map(({ path }) => path));
  const others = left.filter(({ path }) => !known.has(path));
  return [
    ...remark("had merge conflicts and may hold their markers", unmerged),
    ...remark("are left out (repositories of their own, or over 50 MiB)", leftOut),
    ...remark("could not be added", others),
  ];
}

function remark(what: string, entries: readonly TreeEntry[]): string[] {
  if (entries.length === 0) return [];
  const names = entries.slice(0, NAMES_SHOWN).map(({ path }) => path);
  const more = entries.length > names.length ? ` and ${entries.length - names.length} more` : "";
  return [`These ${what}: ${names.join(", ")}${more}.`];
}

function failed(what: string, result: ExecResult): WrapUp {
  const said = (result.stderr || result.stdout).trim().slice(0, 1_000);
  return { kind: "failed", why: `${what}: ${result.timedOut ? "took too long" : said || "was killed"}` };
}
