import { exec } from "@windshift/base/exec.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";

/** A project's own tests take seconds. */
const COMMAND_MS_MAX = 60_000;

/** What a command ended with, and what it printed, for the message of a failure. */
export interface BranchCheck {
  exitCode: number;
  output: string;
}

/** Runs a command in a fresh checkout of a branch, as a reviewer would. */
export async function runOnBranch(bareRepo: string, branch: string, command: string): Promise<BranchCheck> {
  using dir = tempDir();
  await gitOut(["clone", "--quiet", "--branch", branch, bareRepo, dir.path], dir.path);
  const { exitCode, stdout, stderr } = await exec(["sh", "-c", command], {
    cwd: dir.path,
    env: { PATH: process.env.PATH ?? "", HOME: dir.path },
    timeoutMs: COMMAND_MS_MAX,
  });
  return { exitCode, output: stdout + stderr };
}
