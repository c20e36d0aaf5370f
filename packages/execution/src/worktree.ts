import { access, constants, mkdir, mkdtemp, rmdir, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";

/**
 * Why a folder cannot hold checkouts or caches, in a sentence that says what to do; makes it when it does not exist.
 * @returns undefined when it can
 */
export async function worktreeProblem(dir: string): Promise<string | undefined> {
  if (!isAbsolute(dir))
    return `the worktree folder ${JSON.stringify(dir)} is not an absolute path; set CODING_AGENT_WORKTREE_ROOT (server) or WSRUNNER_CACHE_ROOT (runner) to one that starts with /`;
  try {
    await mkdir(dir, { recursive: true });
    await access(dir, constants.W_OK | constants.X_OK);
    // Only a real write tells about read-only mounts and full disks.
    await rmdir(await mkdtemp(join(dir, ".windshift-check-")));
    return undefined;
  } catch (error) {
    const what = await stat(dir).then(
      (found) => (found.isDirectory() ? "cannot be written" : "is not a folder"),
      () => "cannot be made",
    );
    const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
    return `the worktree folder ${dir} ${what}${code}; make it writable for the user that Windshift or the runner runs as, or choose another with CODING_AGENT_WORKTREE_ROOT (server) or WSRUNNER_CACHE_ROOT (runner)`;
  }
}
