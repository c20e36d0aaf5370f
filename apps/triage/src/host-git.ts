import { type ExecResult, exec } from "@windshift/base/exec.ts";
import { GIT_GUARDS, gitEnv } from "@windshift/base/git.ts";
import { progressLines } from "./git-progress.ts";
import type { TriageContext } from "./triage-context.ts";

export interface HostGitCall {
  /** Folder git runs in; never one an agent could write to. */
  cwd: string;
  timeoutMs: number;
  stdin?: string | ReadableStream<Uint8Array>;
  extraEnv?: Record<string, string>;
  /** Each output is cut after this many bytes. */
  outputBytesMax?: number;
  /** Configuration with the broker's Authorization header; only such a call may use the network. */
  tokenFile?: string;
  /** Held by git itself, children included, so it is free exactly when none of them lives any more. */
  lockFile?: string;
}

/** Every git call of this program: guarded, with a built environment, its progress passed on. A failing git is an exit code. */
export async function hostGit(
  context: TriageContext,
  args: readonly string[],
  call: HostGitCall,
): Promise<ExecResult> {
  const argv = ["git", ...GIT_GUARDS, "-c", "http.followRedirects=false", ...args];
  const options = {
    cwd: call.cwd,
    env: gitEnv({
      path: context.path,
      protocols: call.tokenFile === undefined ? "file" : "http:https",
      ...(call.tokenFile === undefined ? {} : { configFile: call.tokenFile }),
      extraEnv: { GIT_NO_REPLACE_OBJECTS: "1", ...call.extraEnv },
    }),
    ...(call.stdin === undefined ? {} : { stdin: call.stdin }),
    timeoutMs: call.timeoutMs,
    ...(call.outputBytesMax === undefined ? {} : { outputBytesMax: call.outputBytesMax }),
    signal: context.signal,
    graceMs: TERM_GRACE_MS,
    onStderr: progressLines(context.progress),
  };
  if (call.lockFile === undefined) return exec(argv, options);
  const tried = await exec([...flock(call.lockFile, ...IF_FREE), ...argv], options);
  if (tried.exitCode !== BUSY) return tried;
  context.progress("another job is using this host's copy of the repository; waiting for it");
  return exec([...flock(call.lockFile), ...argv], options);
}

/** git removes its locks and half-written packs when it is asked to end, and takes its helpers with it, ms. */
const TERM_GRACE_MS = 2_000;
/** An exit code git does not use. */
const BUSY = 99;
const IF_FREE = ["--nonblock", "--conflict-exit-code", `${BUSY}`];

/** flock(1) becomes git and leaves it the locked descriptor: the kernel frees it whatever happens to us. */
export function flock(lockFile: string, ...flags: string[]): string[] {
  return ["flock", "--no-fork", "--exclusive", ...flags, lockFile];
}
