import type { RunId } from "@windshift/contract/ids.ts";

/** What finishing a run needs of the place where its repository lives. Every call may be repeated after a crash. */
export interface Forge {
  /** Commit id of a branch, null when it does not exist. */
  readBranch(repositoryId: number, branch: string): Promise<string | null>;
  /**
   * Where a commit left a branch, and how many commits came since.
   * @returns `unrelated` when they have no history in common
   */
  compare(repositoryId: number, headOid: string, targetBranch: string): Promise<Comparison | "unrelated">;
  /** Opens the draft pull request of a run, or gives the one that exists: there is at most one per run, ever. */
  openPullRequest(request: PullRequestDraft): Promise<{ url: string; title: string }>;
}

export interface Comparison {
  /** The newest commit both have. */
  baseOid: string;
  commits: number;
}

export interface PullRequestDraft {
  runId: RunId;
  workItemId: number;
  repositoryId: number;
  title: string;
  body: string;
  sourceBranch: string;
  targetBranch: string;
  baseOid: string;
  headOid: string;
}
