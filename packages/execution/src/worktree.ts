import { access, constants, mkdir, mkdtemp, rmdir, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";

/**
 * Why a folder cannot hold checkouts or caches, in a sentence that says what to do; makes it when it does not exist.
 * @returns undefined when it can
 */
export async function worktreeProblem(dir: string): Promise<string | undefined> {
  if (!isAbsolute(dir))
    return `the worktree folder ${JSON.stringify(dir)} is not an absolute path. Set CODING_AGENT_WORKTREE_ROOT (server) or WSRUNNER_CACHE_ROOT (runner) to one that starts with /`;
  const problem = await folderProblem(dir);
  if (problem === undefined) return undefined;
  return `the worktree folder ${dir} ${problem}. Make it writable for the user that Windshift or the runner runs as, or choose another with CODING_AGENT_WORKTREE_ROOT (server) or WSRUNNER_CACHE_ROOT (runner)`;
}

/**
 * Why files cannot be made in a folder, in a few words with the system's code; makes it when it does not exist.
 * @returns undefined when they can
 */
export async function folderProblem(dir: string): Promise<string | undefined> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o711 });
    await access(dir, constants.W_OK | constants.X_OK);
    // Only a real write tells about read-only mounts and full disks.
    await rmdir(await mkdtemp(join(dir, ".windshift-check-")));
    return undefined;
  } catch (error) {
    const what = await stat(dir).then(
      (found) => (found.isDirectory() ? "cannot be written" : "is not a folder"),
      () => "cannot be made",
    );
    return error instanceof Error && "code" in error ? `${what} (${String(error.code)})` : what;
  }
}
