import { z } from "zod";
import {
  ForgeError,
  type ForgePullRequest,
  type NewPullRequest,
  type OpenedPullRequest,
  type RepositoryAddress,
} from "./forge-client.ts";
import { ask } from "./forge-reply.ts";
import type { GithubApi } from "./github-access.ts";
import { GithubPullRequest } from "./github-schemas.ts";
import { bestOf, type MadeBy, toPullRequest } from "./pull-request-choice.ts";
import { fitText } from "./text-bounds.ts";

const Listed = z.array(GithubPullRequest);
/** GitHub's largest page. */
const PAGE = 100;
/** Text of a pull request or a comment, characters. Source: GitHub's answer to a longer one. */
export const GITHUB_TEXT_CHARS_MAX = 65_536;

/** Of a branch of the repository itself: the open one, else the newest. @param by only what this request made @throws ForgeError */
export async function findGithubPullRequest(
  api: GithubApi,
  { owner, name }: RepositoryAddress,
  branch: string,
  by?: MadeBy,
): Promise<ForgePullRequest | undefined> {
  const params = { owner, repo: name, state: "all", head: `${owner}:${branch}`, per_page: PAGE } as const;
  const found = await ask(Listed, async () => (await api.rest.pulls.list(params)).data);
  return bestOf(found, branch, by);
}

/**
 * Opens a draft unless there is one of this request already, so that it may be called again after any failure.
 * @throws ForgeError
 */
export async function openGithubPullRequest(
  api: GithubApi,
  request: NewPullRequest,
): Promise<OpenedPullRequest> {
  const existing = await findGithubPullRequest(api, request.repository, request.sourceBranch, request);
  if (existing !== undefined) return { pullRequest: existing, adopted: true, note: undefined };
  try {
    return { pullRequest: await create(api, request, true), adopted: false, note: undefined };
  } catch (error) {
    if (!(error instanceof ForgeError) || error.status !== 422) throw error;
    // A 422 means that nothing was made, so this is a second request, not a repeated one.
    if (/draft pull requests are not supported/i.test(error.message))
      return { pullRequest: await create(api, request, false), adopted: false, note: NO_DRAFTS };
    const adopted = await findGithubPullRequest(api, request.repository, request.sourceBranch, request);
    if (adopted === undefined) throw error;
    return { pullRequest: adopted, adopted: true, note: undefined };
  }
}

const NO_DRAFTS =
  "It is not a draft: GitHub has no drafts for this repository (private repositories on free plans have none).";

async function create(api: GithubApi, request: NewPullRequest, draft: boolean): Promise<ForgePullRequest> {
  const { repository, title, sourceBranch: head, targetBranch: base } = request;
  const body = fitText(request.body, GITHUB_TEXT_CHARS_MAX, "GitHub");
  const params = { owner: repository.owner, repo: repository.name, title, body, head, base, draft };
  return toPullRequest(await ask(GithubPullRequest, async () => (await api.rest.pulls.create(params)).data));
}
