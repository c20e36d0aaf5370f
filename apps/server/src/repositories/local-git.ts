import { git } from "@windshift/base/git.ts";
import { AppError } from "@windshift/contract/app-error.ts";

/** Longest time for one reading git call on a bare repository, ms: large histories take seconds. */
const GIT_MS_MAX = 60_000;
const OUTPUT_BYTES_MAX = 16 * 1_048_576;

export interface GitCall {
  outputBytesMax?: number;
  extraEnv?: Record<string, string>;
  stdin?: string;
  /** Exit codes beside 0 that are answers. */
  expected?: readonly number[];
}

/**
 * Runs git on a bare repository of ours. Its content is untrusted, its configuration is ours.
 * @throws AppError `internal` with git's own message as cause when it ends with an exit code that is no answer
 */
export async function gitOn(
  dir: string,
  args: readonly string[],
  call: GitCall = {},
): Promise<{ exitCode: number; stdout: string }> {
  const result = await git([`--git-dir=${dir}`, ...args], {
    cwd: dir,
    timeoutMs: GIT_MS_MAX,
    outputBytesMax: call.outputBytesMax ?? OUTPUT_BYTES_MAX,
    ...(call.extraEnv === undefined ? {} : { extraEnv: call.extraEnv }),
    ...(call.stdin === undefined ? {} : { stdin: call.stdin }),
  });
  if (result.timedOut) {
    throw new AppError("timed_out", `git ${args[0] ?? ""} took longer than ${GIT_MS_MAX / 1_000} s`);
  }
  if (result.exitCode !== 0 && !call.expected?.includes(result.exitCode)) {
    throw new AppError(
      "internal",
      `git ${args[0] ?? ""} failed on the repository; the server log has the cause`,
      {
        cause: new Error(`exit code ${result.exitCode}: ${result.stderr.trim()}`),
      },
    );
  }
  return { exitCode: result.exitCode, stdout: result.stdout };
}
