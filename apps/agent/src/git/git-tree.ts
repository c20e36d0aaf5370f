import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ExecResult, exec } from "@windshift/base/exec.ts";

/** Git's list of changed files is read up to this, bytes: a hundred thousand long paths. */
const LISTING_BYTES_MAX = 32 * 1_048_576;
/** Changed files whose content goes into the mark of a tree, and how large one may be, bytes; of others time and size do. */
const MARKED_FILES_MAX = 500;
const MARKED_BYTES_MAX = 262_144;
/** Time to get the mark, ms; without it the guards decide by what they saw. */
const MARK_MS_MAX = 5_000;
/** The checkout's configuration is the model's: it must neither start helpers nor make a commit fail. */
export const GIT_OPTIONS = [
  "core.fsmonitor=false",
  "core.safecrlf=false",
  "commit.gpgSign=false",
  "gc.auto=0",
  "maintenance.auto=false",
].flatMap((option) => ["-c", option]);

/** The checkout, and the environment of the model's commands: author and trailers come from it. */
export interface GitPlace {
  root: string;
  env: Record<string, string>;
  signal?: AbortSignal | undefined;
}

export interface TreeEntry {
  /** Relative to the root; a folder with a slash at its end is a repository of its own. */
  path: string;
  state: "changed" | "unmerged" | "untracked";
}

export interface GitTree {
  /** What differs from the last commit; ignored files do not count. */
  entries: TreeEntry[];
  /** All that git said, the commit included. */
  listing: string;
}

/** Runs git on the checkout to its end. A git that cannot be started is a result too. */
export async function treeGit(
  { root, env, signal }: GitPlace,
  args: readonly string[],
  options: { timeoutMs: number; stdin?: string },
): Promise<ExecResult> {
  try {
    return await exec(["git", ...GIT_OPTIONS, ...args], {
      cwd: root,
      // Messages in English, as some are read; and never a repository around the checkout.
      env: { ...env, LC_ALL: "C", GIT_CEILING_DIRECTORIES: join(root, ".."), GIT_OPTIONAL_LOCKS: "0" },
      outputBytesMax: LISTING_BYTES_MAX,
      signal,
      ...options,
    });
  } catch (error) {
    return {
      exitCode: -1,
      signalCode: null,
      stdout: "",
      stderr: `git cannot be started: ${String(error)}`,
      timedOut: false,
    };
  }
}

/** Asks git what differs from the last commit. @returns what git said instead, when it cannot tell */
export async function readTree(place: GitPlace, timeoutMs: number): Promise<GitTree | ExecResult> {
  const args = ["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--no-renames"];
  const result = await treeGit(place, args, { timeoutMs });
  if (result.exitCode !== 0) return result;
  return { entries: result.stdout.split("\0").flatMap(entryOf), listing: result.stdout };
}

/** A mark that changes with the commit and with every change to the working tree; undefined when git cannot tell in time. */
export async function treeMark(place: GitPlace): Promise<string | undefined> {
  const tree = await readTree(place, MARK_MS_MAX);
  if (!("entries" in tree)) return undefined;
  const marks = tree.entries.slice(0, MARKED_FILES_MAX).map(({ path }) => fileMark(join(place.root, path)));
  return `${Bun.hash(`${tree.listing}\0${(await Promise.all(marks)).join()}`)}`;
}

async function fileMark(path: string): Promise<string> {
  try {
    const stat = await lstat(path);
    if (!stat.isFile() || stat.size > MARKED_BYTES_MAX) return `${stat.size} ${stat.mtimeMs}`;
    return `${stat.mode} ${Bun.hash(await readFile(path))}`;
  } catch {
    return "gone";
  }
}

/** `1 XY sub mH mI mW hH hI path`, `u XY sub m1 m2 m3 mW h1 h2 h3 path`, `? path`; headers begin with `#`. */
function entryOf(record: string): TreeEntry[] {
  const fields = record.split(" ");
  switch (fields[0]) {
    case "1":
      return [{ path: fields.slice(8).join(" "), state: "changed" }];
    case "u":
      return [{ path: fields.slice(10).join(" "), state: "unmerged" }];
    case "?":
      return [{ path: fields.slice(1).join(" "), state: "untracked" }];
    default:
      return [];
  }
}
