import type { RunId } from "@windshift/contract/ids.ts";

/** What finishing a run needs of the place where its repository lives. Every call may be repeated after a crash. */
export interface Forge {
  /** Commit id of a branch, null when it does not exist. */
  readBranch(repositoryId: number, branch: string): Promise<string | null>;
  /**
   * Commits on `headOid` above `baseOid`.
   * @returns `unrelated` when the head does not descend from the base, or the base is not on `targetBranch`
   */
  countCommits(repositoryId: number, range: CommitRange): Promise<number | "unrelated">;
  /** Opens the draft pull request of a run, or gives the one that exists: there is at most one per run, ever. */
  openPullRequest(request: PullRequestDraft): Promise<{ url: string; title: string }>;
}

export interface CommitRange {
  baseOid: string;
  headOid: string;
  targetBranch: string;
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
