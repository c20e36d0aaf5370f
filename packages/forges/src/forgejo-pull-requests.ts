import type { Api } from "forgejo-js";
import { z } from "zod";
import { COMMENT_PAGES_MAX, cursorMs, sinceCursor } from "./comment-cursor.ts";
import {
  type ForgeComment,
  ForgeError,
  type ForgePullRequest,
  type NewPullRequest,
  type OpenedPullRequest,
  type RepositoryAddress,
} from "./forge-client.ts";
import { ask, forgeCall, orNull } from "./forge-reply.ts";
import { pathOf } from "./forgejo-path.ts";
import { ForgejoComment, ForgejoPullRequest, ForgejoReview } from "./forgejo-schemas.ts";
import { bestOf, type ListedPullRequest, type MadeBy, toPullRequest } from "./pull-request-choice.ts";
import { fitText } from "./text-bounds.ts";

/** Forgejo's largest page unless its administrator changed it. */
const PAGE = 50;
/** Pages of pull requests that are looked through for a branch, the newest first: Forgejo cannot filter by it. */
const PULL_PAGES_MAX = 10;
/** Titles are cut here, characters. Source: Forgejo's column. */
const TITLE_CHARS_MAX = 255;
/** Text of a pull request or a comment, characters: Forgejo names no bound, but a proxy before it mostly takes 1 MiB of a request. */
export const FORGEJO_TEXT_CHARS_MAX = 262_144;

/**
 * Looks through the newest pull requests, so many pages of them, for those of a branch, as Forgejo cannot be asked for one.
 * @param by only what this request made
 * @throws ForgeError
 */
export async function findForgejoPullRequest(
  api: Api<unknown>,
  repository: RepositoryAddress,
  branch: string,
  by?: MadeBy,
): Promise<ForgePullRequest | undefined> {
  const [owner, name] = pathOf(repository);
  const all: ListedPullRequest[] = [];
  for (let page = 1; page <= PULL_PAGES_MAX; page++) {
    const found = await ask(
      z.array(ForgejoPullRequest),
      async () =>
        (await api.repos.repoListPullRequests(owner, name, { state: "all", page, limit: PAGE })).data,
    );
    all.push(...found);
    // A smaller page than asked for may be the installation's limit; only an empty one is the end.
    if (found.length === 0) break;
  }
  return bestOf(all, branch, by);
}

/** A draft is a title that begins with `WIP: `. */
export async function openForgejoPullRequest(
  api: Api<unknown>,
  request: NewPullRequest,
): Promise<OpenedPullRequest> {
  const { repository, sourceBranch: head, targetBranch: base } = request;
  const body = fitText(request.body, FORGEJO_TEXT_CHARS_MAX, "Forgejo");
  const existing = await findForgejoPullRequest(api, repository, head, request);
  if (existing !== undefined) return { pullRequest: existing, adopted: true, note: undefined };
  const title = `WIP: ${request.title}`.slice(0, TITLE_CHARS_MAX);
  const [owner, name] = pathOf(repository);
  try {
    const created = await ask(
      ForgejoPullRequest,
      async () => (await api.repos.repoCreatePullRequest(owner, name, { title, body, head, base })).data,
    );
    const note = created.draft ? undefined : NO_DRAFT;
    return { pullRequest: toPullRequest(created), adopted: false, note };
  } catch (error) {
    if (!(error instanceof ForgeError) || (error.status !== 409 && error.status !== 422)) throw error;
    const adopted = await findForgejoPullRequest(api, repository, head, request);
    if (adopted === undefined) throw error;
    return { pullRequest: adopted, adopted: true, note: undefined };
  }
}

const NO_DRAFT =
  "It is not a draft: this installation does not take `WIP:` at the beginning of a title for one (its setting WORK_IN_PROGRESS_PREFIXES).";

/**
 * Comments, reviews and remarks in the diff since the cursor, oldest first.
 * @param cursor of the last call; undefined from the start
 * @throws ForgeError
 */
export async function listForgejoComments(
  api: Api<unknown>,
  repository: RepositoryAddress,
  number: number,
  cursor: string | undefined,
): Promise<{ comments: ForgeComment[]; cursor: string | undefined }> {
  const [owner, name] = pathOf(repository);
  const since = cursor === undefined ? {} : { since: new Date(cursorMs(cursor)).toISOString() };
  const comments = await ask(
    z.array(ForgejoComment),
    async () => (await api.repos.issueGetComments(owner, name, number, since)).data,
  );
  const reviews = (await listReviews(api, repository, number)).filter(
    ({ state, submitted_at }) =>
      state !== "PENDING" && state !== "REQUEST_REVIEW" && Date.parse(submitted_at) >= cursorMs(cursor),
  );
  const found = comments.map((c) => normalized("comment", c, c.created_at));
  for (const review of reviews) {
    if (review.body !== "") found.push(normalized("review", review, review.submitted_at));
    if (review.comments_count === 0) continue;
    const inDiff = await orNull(
      ask(
        z.array(ForgejoComment),
        async () => (await api.repos.repoGetPullReviewComments(owner, name, number, review.id)).data,
      ),
    );
    // Written while the review was pending, seen since it was submitted.
    for (const c of inDiff ?? []) found.push(normalized("review_comment", c, review.submitted_at));
  }
  return sinceCursor(found, cursor);
}

/** Oldest first, so of very many the first page and those at the end, which tell what is new. */
async function listReviews(api: Api<unknown>, repository: RepositoryAddress, number: number) {
  const [owner, name] = pathOf(repository);
  const read = async (page: number) => {
    const { data, headers } = await forgeCall(() =>
      api.repos.repoListPullReviews(owner, name, number, { page, limit: PAGE }),
    );
    const found = await ask(z.array(ForgejoReview), async () => data);
    return { found, total: Number(headers.get("x-total-count") ?? Number.NaN) };
  };
  const { found: all, total } = await read(1);
  if (all.length === 0) return all;
  // A smaller page than asked for may be the installation's limit.
  const last = Number.isNaN(total) ? COMMENT_PAGES_MAX : Math.ceil(total / all.length);
  for (let page = Math.max(2, last - COMMENT_PAGES_MAX + 2); page <= last; page++) {
    const { found } = await read(page);
    if (found.length === 0) break;
    all.push(...found);
  }
  return all;
}

function normalized(
  kind: ForgeComment["kind"],
  comment: Omit<z.infer<typeof ForgejoComment>, "created_at">,
  createdAt: string,
): ForgeComment {
  const login = comment.user?.login ?? "ghost";
  return {
    id: `${kind}-${comment.id}`,
    kind,
    login,
    // Forgejo does not mark them; these two are its own.
    authorIsBot: /^(ghost|forgejo-actions|gitea-actions)$/i.test(login),
    body: comment.body,
    url: comment.html_url,
    createdAtMs: Date.parse(createdAt),
  };
}
