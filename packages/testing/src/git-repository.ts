import { chmodSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { git } from "@windshift/base/git.ts";
import { Oid } from "@windshift/contract/ids.ts";

/** What a repository holds: a folder to copy, or paths with their content (a text that starts with `#!` is made executable). */
export type Tree = { from: string } | { files: Record<string, string> };

/** A local git call takes milliseconds; a loaded machine may take seconds. */
const GIT_MS_MAX = 30_000;
/** Fixed, so that the same tree gives the same commit id on every machine. */
const WHEN = "2026-01-02T03:04:05Z";

/**
 * Makes a working repository at `dir` with one commit on `main`.
 * @returns the commit's id
 */
export async function createRepository(dir: string, tree: Tree): Promise<Oid> {
  mkdirSync(dir, { recursive: true });
  await gitOut(["init", "--quiet", "--initial-branch=main"], dir);
  return await commitTree(dir, tree, "Start the project");
}

/**
 * Makes a bare repository at `dir` with one commit on `main`, as a forge would hold it.
 * @param workDir an empty or missing folder in which the commit is made; it keeps a working repository whose `origin` is `dir`
 */
export async function createBareRepository(dir: string, workDir: string, tree: Tree): Promise<Oid> {
  const oid = await createRepository(workDir, tree);
  await gitOut(["clone", "--quiet", "--bare", "--no-hardlinks", workDir, dir], workDir);
  await gitOut(["remote", "add", "origin", dir], workDir);
  return oid;
}

/** Puts the tree over a working repository's files and commits everything. */
export async function commitTree(dir: string, tree: Tree, message: string): Promise<Oid> {
  if ("from" in tree) cpSync(tree.from, dir, { recursive: true });
  else for (const [path, content] of Object.entries(tree.files)) writeTreeFile(join(dir, path), content);
  await gitOut(["add", "--all"], dir);
  await gitOut(["commit", "--quiet", "--allow-empty", "--message", message], dir);
  return Oid.parse(await gitOut(["rev-parse", "HEAD"], dir));
}

/**
 * Runs git and gives what it printed, without white space at its ends.
 * @throws Error with git's own message when it fails
 */
export async function gitOut(args: readonly string[], cwd: string): Promise<string> {
  const result = await git(args, { cwd, timeoutMs: GIT_MS_MAX, extraEnv: identity() });
  if (result.exitCode !== 0)
    throw new Error(`git ${args.join(" ")} failed in ${cwd}: ${result.stderr.trim()}`);
  return result.stdout.trim();
}

function writeTreeFile(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  if (content.startsWith("#!")) chmodSync(path, 0o755);
}

function identity(): Record<string, string> {
  return {
    GIT_AUTHOR_NAME: "Test Author",
    GIT_AUTHOR_EMAIL: "author@example.com",
    GIT_AUTHOR_DATE: WHEN,
    GIT_COMMITTER_NAME: "Test Author",
    GIT_COMMITTER_EMAIL: "author@example.com",
    GIT_COMMITTER_DATE: WHEN,
  };
}
