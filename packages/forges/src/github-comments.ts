import { z } from "zod";
import { COMMENT_PAGES_MAX, cursorMs, sinceCursor } from "./comment-cursor.ts";
import type { ForgeComment, RepositoryAddress } from "./forge-client.ts";
import { ask, forgeCall } from "./forge-reply.ts";
import type { GithubApi } from "./github-access.ts";
import { GithubComment, GithubReview, GithubReviewComment } from "./github-schemas.ts";
import { hasNextPage, lastPageOf } from "./page-link.ts";

/** GitHub's largest page. */
const PAGE = 100;

/**
 * Comments, reviews and remarks in the diff since the cursor, oldest first.
 * @param cursor of the last call; undefined from the start
 * @throws ForgeError
 */
export async function listGithubComments(
  api: GithubApi,
  { owner, name: repo }: RepositoryAddress,
  number: number,
  cursor: string | undefined,
): Promise<{ comments: ForgeComment[]; cursor: string | undefined }> {
  const since = cursor === undefined ? {} : { since: new Date(cursorMs(cursor)).toISOString() };
  const common = { owner, repo, per_page: PAGE };
  const [comments, reviews, inDiff] = await Promise.all([
    pages(GithubComment, (page) =>
      api.rest.issues.listComments({ ...common, issue_number: number, page, ...since }),
    ),
    // Oldest first and without `since`, so of very many the last pages tell what is new.
    lastPages(GithubReview, (page) => api.rest.pulls.listReviews({ ...common, pull_number: number, page })),
    // Newest first and without `since`: what belongs to a review is dated by its submission, which comes later.
    pages(GithubReviewComment, (page) =>
      api.rest.pulls.listReviewComments({
        ...common,
        pull_number: number,
        page,
        sort: "created",
        direction: "desc",
      }),
    ),
  ]);
  const submitted = new Map(reviews.map((review) => [review.id, review.submitted_at]));
  return sinceCursor(
    [
      ...comments.map((c) => normalized("comment", c, c.created_at)),
      ...reviews.flatMap((r) => (r.submitted_at && r.body ? [normalized("review", r, r.submitted_at)] : [])),
      ...inDiff.map((c) =>
        normalized("review_comment", c, submitted.get(c.pull_request_review_id ?? 0) ?? c.created_at),
      ),
    ],
    cursor,
  );
}

type ReadPage = (page: number) => Promise<{ data: unknown; headers: { link?: string } }>;

/** Of a listing of more than COMMENT_PAGES_MAX pages the first, which says how many there are, and those at its end. */
async function lastPages<T>(schema: z.ZodType<T>, read: ReadPage): Promise<T[]> {
  const take = (data: unknown) => ask(z.array(schema), async () => data);
  const first = await forgeCall(() => read(1));
  const all = await take(first.data);
  const { link } = first.headers;
  // Where the last is not named, what comes next is read, to the empty page behind the end.
  const last = lastPageOf(link) ?? (hasNextPage(link) ? COMMENT_PAGES_MAX : 1);
  for (let page = Math.max(2, last - COMMENT_PAGES_MAX + 2); page <= last; page++)
    all.push(...(await take((await forgeCall(() => read(page))).data)));
  return all;
}

async function pages<T>(schema: z.ZodType<T>, read: ReadPage): Promise<T[]> {
  const all: T[] = [];
  for (let page = 1; page <= COMMENT_PAGES_MAX; page++) {
    const { data, headers } = await forgeCall(() => read(page));
    all.push(...(await ask(z.array(schema), async () => data)));
    if (!hasNextPage(headers.link)) break;
  }
  return all;
}

function normalized(
  kind: ForgeComment["kind"],
  comment: Omit<z.infer<typeof GithubComment>, "created_at">,
  createdAt: string,
): ForgeComment {
  return {
    id: `${kind}-${comment.id}`,
    kind,
    login: comment.user?.login ?? "ghost",
    authorIsBot: comment.user?.type === "Bot",
    body: comment.body ?? "",
    url: comment.html_url,
    createdAtMs: Date.parse(createdAt),
  };
}
