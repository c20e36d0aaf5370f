import { readdirSync } from "node:fs";
import { join } from "node:path";
import { treeGit } from "../git/git-tree.ts";

/** Time for one git command, ms; it reads names, not contents. */
const GIT_MS_MAX = 30_000;
/** Files and folders that are looked at where git does not help. */
const WALKED_MAX = 200_000;

export interface ProjectFiles {
  /** Relative to the folder asked for. One that ends in `/` is a repository of its own, or an empty folder. */
  paths: string[];
  /** There are more. */
  cut: boolean;
}

/**
 * The files below a folder that git does not ignore, those not added yet too. All files where the folder itself is ignored
 * or in no repository.
 * @param root of the workspace; `dir` is in it, absolute
 */
export async function projectFiles(
  root: string,
  dir: string,
  env: Record<string, string>,
  signal: AbortSignal,
): Promise<ProjectFiles> {
  const git = (...args: string[]) =>
    treeGit({ root, env, signal }, ["-C", dir, ...args], { timeoutMs: GIT_MS_MAX });
  const [ignored, all, deleted] = await Promise.all([
    dir === root ? undefined : git("check-ignore", "--quiet", "."),
    git("ls-files", "-z", "--cached", "--others", "--exclude-standard"),
    git("ls-files", "-z", "--deleted"),
  ]);
  if (all.exitCode !== 0 || ignored?.exitCode === 0) return walk(dir);
  const gone = new Set(deleted.stdout.split("\0"));
  const paths = new Set(all.stdout.split("\0").slice(0, -1)); // a file in conflict is told several times
  return { paths: [...paths].filter((path) => !gone.has(path)), cut: /[^\0]$/.test(all.stdout) };
}

function walk(dir: string): ProjectFiles {
  const paths: string[] = [];
  const folders = [""];
  let walked = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = entriesOf(join(dir, folder));
    if (entries.length === 0 && folder !== "") paths.push(folder);
    for (const entry of entries) {
      if (++walked > WALKED_MAX) return { paths, cut: true };
      if (entry.isDirectory()) folders.push(`${folder}${entry.name}/`);
      else paths.push(`${folder}${entry.name}`);
    }
  }
  return { paths, cut: false };
}

function entriesOf(dir: string) {
  try {
    return readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.name !== ".git");
  } catch {
    return []; // unreadable, or gone since
  }
}
