import type { ForgeEvent, WebhookHeaders } from "./forge-event.ts";

/**
 * One connection to a forge, in the words of the server. Real: github-client.ts, gitlab-client.ts, forgejo-client.ts, made
 * by create-forge-client.ts; all three pass the same contract suite. Every call is one or a few bounded requests, follows
 * no redirect, repeats no write, and rejects with a `ForgeError` and nothing else, save where a line says what is given.
 */
export interface ForgeClient {
  /**
   * Where smart HTTP lives, from the stored base address alone, without a slash at its end: a repository is
   * `<gitBaseUrl>/<owner>/<name>.git`.
   */
  readonly gitBaseUrl: string;
  /** Who the credential is and whether it may do what a run needs. Never rejects: what is wrong is its answer. */
  check(): Promise<ConnectionCheck>;
  /** Repositories the credential can see, the most recently used first. @param page from 1 */
  listRepositories(options: { page: number; search?: string | undefined }): Promise<RepositoryPage>;
  getRepository(repository: RepositoryAddress): Promise<ForgeRepository>;
  /**
   * What the credential lacks to push to a repository and to open pull requests there: one sentence that says what to grant.
   * Writes nothing, so it finds what the forge tells beforehand; undefined is no promise.
   */
  findMissingRight(repository: RepositoryAddress): Promise<string | undefined>;
  /** Commit id of a branch, null when it does not exist (the repository does). */
  readBranch(repository: RepositoryAddress, branch: string): Promise<string | null>;
  /** Where a commit left a branch and how many commits came since; `unrelated` also when the branch is gone. */
  compare(
    repository: RepositoryAddress,
    headOid: string,
    targetBranch: string,
  ): Promise<{ baseOid: string; commits: number } | "unrelated">;
  /**
   * The pull request of a branch of this repository, in any state: an open one before a merged or closed one, then the
   * newest.
   */
  findPullRequest(repository: RepositoryAddress, sourceBranch: string): Promise<ForgePullRequest | undefined>;
  /**
   * Opens a draft in the forge's own way, its text cut to what the forge takes, or gives the one that this request made before: it looks first, and takes the
   * forge's "already exists" for an answer. So it may be called again, also when the reply was lost (`unreachable`).
   * Rejects with the forge's sentence when the branch has an open one that is another's.
   */
  openPullRequest(request: NewPullRequest): Promise<OpenedPullRequest>;
  getPullRequest(repository: RepositoryAddress, number: number): Promise<ForgePullRequest>;
  /**
   * What people wrote on a pull request, oldest first: comments, bodies of reviews, comments in the diff. At least once:
   * the last minute of the former answer comes again, so keep the ids.
   * @param cursor of the former answer; undefined for all
   */
  listComments(
    repository: RepositoryAddress,
    number: number,
    cursor: string | undefined,
  ): Promise<{ comments: ForgeComment[]; cursor: string | undefined }>;
  /** Whether this account may push to the repository; false for one that does not exist. */
  canWrite(repository: RepositoryAddress, login: string): Promise<boolean>;
  /** A body that is longer than the forge takes is cut, and says so; hidden marks at its end stay. */
  addComment(
    repository: RepositoryAddress,
    number: number,
    body: string,
  ): Promise<{ id: string; url: string }>;
  /** For HTTP basic authentication of git. Kept and renewed here, so ask for it at each use and store it nowhere. */
  gitCredential(repository: RepositoryAddress): Promise<GitCredential>;
  /**
   * Whether a request came from the forge, and what it is about. Asks nobody. Only a hint: read the state through the API.
   * Whoever calls this refuses a `deliveryId` that it saw before.
   * @param rawBody the bytes as they came
   */
  verifyWebhook(headers: WebhookHeaders, rawBody: Uint8Array, secret: string): Promise<ForgeEvent>;
}

/** `owner` has several segments for a GitLab subgroup: `group/sub`. */
export interface RepositoryAddress {
  owner: string;
  name: string;
}

export type ConnectionCheck =
  | {
      ok: true;
      /** The account that comments and pull requests will be from: `octocat`, or `my-app[bot]` of a GitHub App. */
      login: string;
      /** One sentence for people: who it is and what it may do. */
      message: string;
      /** Null when it does not expire or the forge does not say. */
      expiresAtMs: number | null;
    }
  | { ok: false; kind: ForgeErrorKind; message: string };

/** A repository as the credential sees it. */
export interface ForgeRepository extends RepositoryAddress {
  defaultBranch: string;
  webUrl: string;
  archived: boolean;
  private: boolean;
  /** Whether the credential may push; false also when the forge does not say. */
  canPush: boolean;
}

/** A page of the repositories a credential can see. */
export interface RepositoryPage {
  repositories: ForgeRepository[];
  /** Null on the last page. */
  nextPage: number | null;
}

/** What a pull request is opened with. */
export interface NewPullRequest {
  repository: RepositoryAddress;
  title: string;
  body: string;
  /** Part of `body` and of no other request's: what does not hold it, or has another target, was not made by this one. */
  mark: string;
  sourceBranch: string;
  targetBranch: string;
}

/** What became of it. */
export interface OpenedPullRequest {
  pullRequest: ForgePullRequest;
  /** It existed before. */
  adopted: boolean;
  /** A sentence for people when it could not be a draft. */
  note: string | undefined;
}

/** A pull or merge request, whatever its forge calls it. */
export interface ForgePullRequest {
  /** The forge's own lasting id, as text. */
  forgeId: string;
  number: number;
  url: string;
  /** As the forge has it, with the mark of a draft where the forge keeps it in the title. */
  title: string;
  body: string;
  state: "open" | "merged" | "closed";
  draft: boolean;
  sourceBranch: string;
  targetBranch: string;
  headOid: string;
  /** The commit that brought it in; null when it is not merged or the forge does not say. */
  mergeOid: string | null;
}

/** What somebody wrote on a pull request. */
export interface ForgeComment {
  /** Lasting, and unlike that of any other comment of this pull request: `comment-12`, `review-7`. */
  id: string;
  kind: "comment" | "review" | "review_comment";
  login: string;
  /** A bot as far as the forge says. */
  authorIsBot: boolean;
  body: string;
  url: string;
  createdAtMs: number;
}

/** For HTTP basic authentication of git. */
export interface GitCredential {
  username: string;
  password: string;
  /** Null when it does not expire or nobody knows. */
  expiresAtMs: number | null;
}

/**
 * `unauthorized`: the credential is wrong, revoked or expired. `missing_scope`: it may not do this, and a scope would
 * help. `forbidden`: this account may not. `refused`: the forge said no to the content, or its address is not that of
 * such a forge. `conflict`: the state there is another one. `unreachable`: no answer, or one of a broken forge; a write
 * may have been done all the same.
 */
export type ForgeErrorKind =
  | "unauthorized"
  | "missing_scope"
  | "not_found"
  | "forbidden"
  | "rate_limited"
  | "unreachable"
  | "refused"
  | "conflict";

/** Its message is a sentence for people, without a credential. Only `rate_limited` and `unreachable` may pass by waiting. */
export class ForgeError extends Error {
  override readonly name = "ForgeError";
  constructor(
    readonly kind: ForgeErrorKind,
    message: string,
    options: { retryAtMs?: number | undefined; status?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.retryAtMs = options.retryAtMs;
    this.status = options.status;
  }
  /** Of `rate_limited`: not before this time. */
  readonly retryAtMs: number | undefined;
  /** Of the forge's answer; undefined when there was none. */
  readonly status: number | undefined;
}
