import { AppError } from "@windshift/contract/app-error.ts";
import type { RunId } from "@windshift/contract/ids.ts";

/**
 * What finishing a run needs of the place where its repository lives. Every call may be repeated after a crash. Rejects with
 * an AppError whose sentence is for people: `forbidden` or `not_found` when the connection must be mended by a person,
 * `conflict` when trying again does not help, `rate_limited` (a ForgeBusy) and others when it may.
 */
export interface Forge {
  /** Commit id of a branch, null when it does not exist. */
  readBranch(repositoryId: number, branch: string): Promise<string | null>;
  /**
   * Where a commit left a branch, and how many commits came since.
   * @returns `unrelated` when they have no history in common
   */
  compare(repositoryId: number, headOid: string, targetBranch: string): Promise<Comparison | "unrelated">;
  /**
   * Opens the draft pull request of a branch, or gives the one that exists: there is at most one per branch, ever. One that
   * is decided stays as it is.
   */
  openPullRequest(request: PullRequestDraft): Promise<OpenedPullRequest>;
}

export interface Comparison {
  /** The newest commit both have. */
  baseOid: string;
  commits: number;
}

export interface PullRequestDraft {
  /** The run whose branch it is. */
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

export interface OpenedPullRequest {
  url: string;
  title: string;
  state: "open" | "merged" | "closed";
  /** A sentence for people about how it was opened. */
  note?: string | undefined;
}

/** The forge asks us to wait. */
export class ForgeBusy extends AppError {
  /** @param retryAtMs not before this time; undefined when the forge does not say */
  constructor(
    message: string,
    readonly retryAtMs: number | undefined,
    cause?: unknown,
  ) {
    super("rate_limited", message, { cause });
  }
}

/** Whether nothing helps but a person who mends the connection, so that trying again is no use. */
export function isForPerson(error: unknown): error is AppError {
  return error instanceof AppError && (error.code === "forbidden" || error.code === "not_found");
}
