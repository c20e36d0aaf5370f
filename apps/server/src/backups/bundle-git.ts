import { git } from "@windshift/base/git.ts";
import { AppError } from "@windshift/contract/app-error.ts";

/** How long one repository may take to be saved or restored, ms: the largest that are pushed here have a few gigabytes. */
const REPOSITORY_MS_MAX = 3_600_000;

/** Runs git on a bare repository for as long as a large one takes. @throws AppError with git's own message */
export async function bundleGit(dir: string, ...args: readonly string[]): Promise<string> {
  const result = await git([`--git-dir=${dir}`, ...args], { cwd: dir, timeoutMs: REPOSITORY_MS_MAX });
  if (result.exitCode === 0) return result.stdout.trim();
  const why = result.timedOut ? "it took too long" : result.stderr.trim().slice(0, 500);
  throw new AppError("internal", `git ${args[0] ?? ""} failed on ${dir}: ${why}`);
}
