import { type ExecResult, exec } from "@windshift/base/exec.ts";

/** Time for one git command of the wrap-up, ms; adding a large tree takes a while. */
const GIT_MS_MAX = 120_000;
const SUBJECT = "Keep uncommitted changes of the run";
const BODY =
  "Made by the agent's wrap-up: these changes were in the working tree when the\nrun ended and had not been committed.";

export type WrapUp =
  | { kind: "clean" }
  | { kind: "committed"; files: number }
  /** The changes are still there, uncommitted. */
  | { kind: "failed"; why: string };

/**
 * Commits what the model left uncommitted, so that it is not lost; files that are ignored stay out.
 * @param env as for the model's commands: author and trailers come from it
 */
export async function wrapUp(workspace: string, env: Record<string, string>): Promise<WrapUp> {
  const git = (...args: string[]) => exec(["git", ...args], { cwd: workspace, env, timeoutMs: GIT_MS_MAX });
  const status = await git("status", "--porcelain=v1", "-z", "--untracked-files=all");
  if (status.exitCode !== 0) return failed("git status", status);
  const files = status.stdout.split("\0").filter((entry) => entry !== "").length;
  if (files === 0) return { kind: "clean" };
  const add = await git("add", "--all");
  if (add.exitCode !== 0) return failed("git add", add);
  const commit = await git("commit", "--quiet", "--no-verify", "-m", SUBJECT, "-m", BODY);
  return commit.exitCode === 0 ? { kind: "committed", files } : failed("git commit", commit);
}

function failed(what: string, result: ExecResult): WrapUp {
  const why = result.timedOut ? "took too long" : (result.stderr || result.stdout).trim().slice(0, 1_000);
  return { kind: "failed", why: `${what}: ${why}` };
}
