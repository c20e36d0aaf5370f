import type { JobSpec } from "@windshift/contract/job.ts";
import type { TriageReply } from "@windshift/contract/triage.ts";

/** Folders of one attempt, absolute. `root` holds all others and is removed at the end. */
export interface AttemptPaths {
  root: string;
  /** Bound into the container at /workspace. */
  checkout: string;
  /** The agent's user cannot enter `checkout` before `prepare` is done, so its container may be started before that. */
  closed: boolean;
  bundle: string;
  clean: string;
}

/** The worktree folder cannot be used; `detail` names it and says what to do. */
export interface WorktreeFailed {
  kind: "failed";
  reason: "worktree";
  detail: string;
}

type Failed = Extract<TriageReply, { kind: "failed" }>;
export type PrepareReply = Extract<TriageReply, { kind: "prepared" }> | Failed;
export type PushReply = Extract<TriageReply, { kind: "pushed" | "patched" | "no_changes" }> | Failed;

/** The git work of a job on the host. Real: triage-checkout.ts, which starts `windshift-triage`. */
export interface Checkout {
  /** Makes the attempt's folders, so that a container can be created while the repository is still fetched. */
  open(job: JobSpec): Promise<AttemptPaths | WorktreeFailed>;
  prepare(
    job: JobSpec,
    paths: AttemptPaths,
    signal: AbortSignal,
    progress: (line: string) => void,
  ): Promise<PrepareReply>;
  /** Delivers the commits in the bundle; of a job that may not push it makes a patch instead. */
  push(
    job: JobSpec,
    paths: AttemptPaths,
    baseOid: string,
    signal: AbortSignal,
    progress: (line: string) => void,
  ): Promise<PushReply>;
  /** Removes the attempt's folders, whatever the agent made of them. */
  close(paths: AttemptPaths): Promise<void>;
}
