import { git } from "@windshift/base/git.ts";

/** One git call of the benchmark, a gigabyte on a busy machine included, ms. */
const GIT_MS_MAX = 10 * 60_000;

const author = {
  GIT_AUTHOR_NAME: "Bench",
  GIT_AUTHOR_EMAIL: "bench@example.test",
  GIT_COMMITTER_NAME: "Bench",
  GIT_COMMITTER_EMAIL: "bench@example.test",
};

/** Runs git as a client would. @returns its output, trimmed */
export async function gitOrFail(cwd: string, ...args: string[]): Promise<string> {
  const result = await git(args, {
    cwd,
    timeoutMs: GIT_MS_MAX,
    protocols: "http:file",
    extraEnv: author,
  });
  if (result.exitCode !== 0) throw new Error(`git ${args[0]}: ${result.stderr}`);
  return result.stdout.trim();
}
