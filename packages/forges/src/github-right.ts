import { type ForgeClient, ForgeError, type GitCredential, type RepositoryAddress } from "./forge-client.ts";
import { ask, forgeCall } from "./forge-reply.ts";
import type { GithubAccess, GithubApi } from "./github-access.ts";
import { GithubRepository } from "./github-schemas.ts";

/** No branch can have this name. */
const NO_BRANCH = "..";

/**
 * By the account's role, then by git's front, which knows what a fine-grained token or an app may, then by a pull request that
 * cannot be opened: GitHub looks at permissions before it looks at branches.
 */
export async function findMissingGithubRight(
  { api, app, credential }: GithubAccess,
  { owner, name: repo }: RepositoryAddress,
  mayPush: (credential: GitCredential) => Promise<boolean | undefined>,
): ReturnType<ForgeClient["findMissingRight"]> {
  const at = `${owner}/${repo}`;
  const { data, headers } = await forgeCall(() => api.rest.repos.get({ owner, repo }));
  const { canPush } = await ask(GithubRepository, async () => data);
  // What GitHub says there of an app is not what the app may do.
  if (app === undefined && !canPush)
    return `The account of the credential may not push to ${at}: give it the role Write there.`;
  if ((await mayPush(await credential())) === false)
    return app === undefined
      ? `The token may not push to ${at}: let it access the repository and give it the permission Contents: write (a classic token: the scope \`repo\`) at GitHub.`
      : `The app may not push to ${at}: install it on the repository and give it the permission Contents: write at GitHub, and accept that where it is installed.`;
  const fineGrained = app === undefined && headers["x-oauth-scopes"] === undefined;
  return fineGrained ? findMissingPullRight(api, { owner, name: repo }) : undefined;
}

async function findMissingPullRight(
  api: GithubApi,
  { owner, name: repo }: RepositoryAddress,
): Promise<string | undefined> {
  const params = { owner, repo, title: "-", head: NO_BRANCH, base: NO_BRANCH, draft: true };
  try {
    await forgeCall(() => api.rest.pulls.create(params));
  } catch (error) {
    if (!(error instanceof ForgeError) || error.kind !== "missing_scope") return undefined;
    return `The token may not open pull requests in ${owner}/${repo}: give it the permission Pull requests: write at GitHub (GitHub says: ${error.message})`;
  }
  return undefined;
}
