import { systemClock } from "@windshift/base/clock.ts";
import { z } from "zod";
import type { ForgeOptions } from "./create-forge-client.ts";
import { failedCheck } from "./failed-check.ts";
import { githubAddress } from "./forge-address.ts";
import type { ForgeClient, RepositoryAddress, RepositoryPage } from "./forge-client.ts";
import { ask, forgeCall, orNull } from "./forge-reply.ts";
import { createForgeTransport } from "./forge-transport.ts";
import { mayPushByGit } from "./git-push-right.ts";
import { createGithubAccess, type GithubAccess, type GithubApi } from "./github-access.ts";
import { checkGithub, explainGithub } from "./github-check.ts";
import { listGithubComments } from "./github-comments.ts";
import {
  findGithubPullRequest,
  GITHUB_TEXT_CHARS_MAX,
  openGithubPullRequest,
} from "./github-pull-requests.ts";
import { findMissingGithubRight } from "./github-right.ts";
import { GithubPullRequest, GithubRepository } from "./github-schemas.ts";
import { verifyGithubWebhook } from "./github-webhook.ts";
import { hasNextPage } from "./page-link.ts";
import { toPullRequest } from "./pull-request-choice.ts";
import { matchingPage, REPOSITORIES_PAGE } from "./repository-search.ts";
import { fitText } from "./text-bounds.ts";

/** GitHub, GitHub Enterprise Server and ghe.com. @throws ForgeError `refused` for a base address that is none */
export function createGithubClient(options: ForgeOptions): ForgeClient {
  const { webUrl, apiUrl, host } = githubAddress(options.baseUrl);
  const clock = options.clock ?? systemClock;
  const { credential } = options;
  const secrets = [credential.kind === "token" ? credential.token : credential.privateKey];
  const fetch = createForgeTransport({
    ...options,
    clock,
    forge: "GitHub",
    host,
    secrets,
    explain: explainGithub,
  });
  const access = createGithubAccess(options, apiUrl, fetch, clock);
  const { api } = access;
  return {
    gitBaseUrl: webUrl,
    check: () => checkGithub(access).catch(failedCheck("GitHub", host)),
    listRepositories: ({ page, search }) =>
      search === undefined
        ? listRepositories(access, page)
        : matchingPage(search, (p) => listRepositories(access, p)),
    getRepository: (repository) => getRepository(api, repository),
    findMissingRight: (repository) =>
      findMissingGithubRight(access, repository, (credential) =>
        mayPushByGit(options.fetch, webUrl, repository, credential),
      ),
    readBranch: (repository, branch) => readBranch(api, repository, branch),
    compare: (repository, headOid, targetBranch) => compare(api, repository, headOid, targetBranch),
    findPullRequest: (repository, branch) => findGithubPullRequest(api, repository, branch),
    openPullRequest: (request) => openGithubPullRequest(api, request),
    getPullRequest: async ({ owner, name: repo }, number) => {
      const params = { owner, repo, pull_number: number };
      return toPullRequest(await ask(GithubPullRequest, async () => (await api.rest.pulls.get(params)).data));
    },
    listComments: (repository, number, cursor) => listGithubComments(api, repository, number, cursor),
    canWrite: (repository, login) => canWrite(api, repository, login),
    addComment: async ({ owner, name: repo }, number, text) => {
      const body = fitText(text, GITHUB_TEXT_CHARS_MAX, "GitHub");
      const params = { owner, repo, issue_number: number, body };
      const { id, html_url } = await ask(
        Created,
        async () => (await api.rest.issues.createComment(params)).data,
      );
      return { id: `comment-${id}`, url: html_url };
    },
    gitCredential: () => access.credential(),
    verifyWebhook: verifyGithubWebhook,
  };
}

const Created = z.object({ id: z.number(), html_url: z.string() });
const Ref = z.object({ object: z.object({ sha: z.string() }) });
const Compared = z.object({ merge_base_commit: z.object({ sha: z.string() }), ahead_by: z.int() });
const Permission = z.object({ permission: z.string(), role_name: z.string().optional() });

async function listRepositories({ api, app }: GithubAccess, page: number): Promise<RepositoryPage> {
  const params = { per_page: REPOSITORIES_PAGE, page };
  const { headers, listed } = await forgeCall(async () => {
    if (app === undefined) {
      const reply = await api.rest.repos.listForAuthenticatedUser({ ...params, sort: "pushed" });
      return { headers: reply.headers, listed: reply.data as unknown };
    }
    const reply = await api.rest.apps.listReposAccessibleToInstallation(params);
    return { headers: reply.headers, listed: reply.data.repositories as unknown };
  });
  const repositories = await ask(z.array(GithubRepository), async () => listed);
  return { repositories, nextPage: hasNextPage(headers.link) ? page + 1 : null };
}

function getRepository(api: GithubApi, { owner, name: repo }: RepositoryAddress) {
  return ask(GithubRepository, async () => (await api.rest.repos.get({ owner, repo })).data);
}

/** The ref and not "the branch", which answers with a redirect when it was renamed. */
async function readBranch(
  api: GithubApi,
  repository: RepositoryAddress,
  branch: string,
): Promise<string | null> {
  const { owner, name: repo } = repository;
  const found = await orNull(
    ask(Ref, async () => (await api.rest.git.getRef({ owner, repo, ref: `heads/${branch}` })).data),
  );
  if (found === null) await getRepository(api, repository);
  return found?.object.sha ?? null;
}

async function compare(api: GithubApi, repository: RepositoryAddress, headOid: string, targetBranch: string) {
  const { owner, name: repo } = repository;
  const params = { owner, repo, basehead: `${targetBranch}...${headOid}`, per_page: 1 };
  const found = await orNull(
    ask(Compared, async () => (await api.rest.repos.compareCommitsWithBasehead(params)).data),
  );
  if (found !== null) return { baseOid: found.merge_base_commit.sha, commits: found.ahead_by };
  await getRepository(api, repository);
  return "unrelated" as const;
}

async function canWrite(
  api: GithubApi,
  { owner, name: repo }: RepositoryAddress,
  login: string,
): Promise<boolean> {
  const params = { owner, repo, username: login };
  const found = await orNull(
    ask(Permission, async () => (await api.rest.repos.getCollaboratorPermissionLevel(params)).data),
  );
  return found !== null && /^(admin|maintain|write)$/.test(found.permission);
}
