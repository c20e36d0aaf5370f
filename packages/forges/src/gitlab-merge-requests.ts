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
import { ask, forgeCall } from "./forge-reply.ts";
import type { GitlabApi } from "./gitlab-api.ts";
import { GitlabMergeRequest, GitlabNote } from "./gitlab-schemas.ts";
import { bestOf, type MadeBy, toPullRequest } from "./pull-request-choice.ts";
import { fitText } from "./text-bounds.ts";

/** GitLab's largest page. */
const PAGE = 100;
/** Titles are cut here, characters. Source: GitLab's own limit. */
const TITLE_CHARS_MAX = 255;
/** Descriptions are cut here, characters. Source: GitLab's API of merge requests. */
const DESCRIPTION_CHARS_MAX = 1_048_576;

/** A project as GitLab's API takes it: `group/sub/name`. */
export function projectPath({ owner, name }: RepositoryAddress): string {
  return `${owner}/${name}`;
}

/** Of a branch of the project itself: the open one, else the newest. @param by only what this request made @throws ForgeError */
export async function findMergeRequest(
  api: GitlabApi,
  repository: RepositoryAddress,
  branch: string,
  by?: MadeBy,
): Promise<ForgePullRequest | undefined> {
  const found = await ask(z.array(GitlabMergeRequest), () =>
    api.mergeRequests.all({
      projectId: projectPath(repository),
      sourceBranch: branch,
      scope: "all",
      perPage: PAGE,
      maxPages: 1,
    }),
  );
  return bestOf(found, branch, by);
}

/** A draft is a title that begins with `Draft: `. */
export async function openMergeRequest(api: GitlabApi, request: NewPullRequest): Promise<OpenedPullRequest> {
  const { repository, sourceBranch, targetBranch } = request;
  const body = fitText(request.body, DESCRIPTION_CHARS_MAX, "GitLab");
  const existing = await findMergeRequest(api, repository, sourceBranch, request);
  if (existing !== undefined) return { pullRequest: existing, adopted: true, note: undefined };
  const title = `Draft: ${request.title}`.slice(0, TITLE_CHARS_MAX);
  try {
    const created = await ask(GitlabMergeRequest, () =>
      api.mergeRequests.create(projectPath(repository), sourceBranch, targetBranch, title, {
        description: body,
      }),
    );
    return { pullRequest: toPullRequest(created), adopted: false, note: undefined };
  } catch (error) {
    if (!(error instanceof ForgeError) || error.status !== 409) throw error;
    const adopted = await findMergeRequest(api, repository, sourceBranch, request);
    if (adopted === undefined) throw error;
    return { pullRequest: adopted, adopted: true, note: undefined };
  }
}

/** Newest first until the cursor: GitLab has no `since` for notes. */
export async function listNotes(
  api: GitlabApi,
  repository: RepositoryAddress,
  number: number,
  cursor: string | undefined,
): Promise<{ comments: ForgeComment[]; cursor: string | undefined }> {
  const request = await ask(GitlabMergeRequest, () =>
    api.mergeRequests.show(projectPath(repository), number),
  );
  const found: ForgeComment[] = [];
  for (let page = 1; page <= COMMENT_PAGES_MAX; page++) {
    const { data, paginationInfo } = await forgeCall(() =>
      api.notes.all(projectPath(repository), number, {
        sort: "desc",
        orderBy: "created_at",
        perPage: PAGE,
        page,
        maxPages: 1,
        showExpanded: true,
      }),
    );
    const notes = await ask(z.array(GitlabNote), async () => data);
    found.push(...notes.filter((note) => !note.system).map((note) => normalized(note, request.url)));
    const oldest = notes.at(-1);
    if (paginationInfo.next === null || oldest === undefined) break;
    if (Date.parse(oldest.created_at) < cursorMs(cursor)) break;
  }
  return sinceCursor(found, cursor);
}

function normalized(note: z.infer<typeof GitlabNote>, url: string): ForgeComment {
  const kind = note.type === "DiffNote" ? "review_comment" : "comment";
  return {
    id: `${kind}-${note.id}`,
    kind,
    login: note.author.username,
    authorIsBot: BOT.test(note.author.username),
    body: note.body,
    url: `${url}#note_${note.id}`,
    createdAtMs: Date.parse(note.created_at),
  };
}

/** Notes do not say it; these are the names GitLab gives to the accounts of group and project tokens and to its own. */
const BOT =
  /^((project|group)_\d+_bot(_\w+)?|service_account_\w+|alert-bot|support-bot|ghost\d*|GitLabDuo)$/i;
