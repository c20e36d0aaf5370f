import { systemClock } from "@windshift/base/clock.ts";
import { z } from "zod";
import type { ForgeOptions } from "./create-forge-client.ts";
import { failedCheck } from "./failed-check.ts";
import { gitlabAddress } from "./forge-address.ts";
import { type ForgeClient, ForgeError, type RepositoryAddress, type RepositoryPage } from "./forge-client.ts";
import { ask, forgeCall, orNull } from "./forge-reply.ts";
import { createForgeTransport } from "./forge-transport.ts";
import { mayPushByGit } from "./git-push-right.ts";
import { createGitlabApi, type GitlabApi } from "./gitlab-api.ts";
import { checkGitlab, explainGitlab } from "./gitlab-check.ts";
import { findMergeRequest, listNotes, openMergeRequest, projectPath } from "./gitlab-merge-requests.ts";
import { findMissingGitlabRight } from "./gitlab-right.ts";
import { GITLAB_DEVELOPER, GitlabMergeRequest, GitlabProject } from "./gitlab-schemas.ts";
import { verifyGitlabWebhook } from "./gitlab-webhook.ts";
import { toPullRequest } from "./pull-request-choice.ts";
import { REPOSITORIES_PAGE } from "./repository-search.ts";
import { fitText } from "./text-bounds.ts";

/** GitLab, self-hosted or not. @throws ForgeError `refused` for a base address that is none, or a GitHub App */
export function createGitlabClient(options: ForgeOptions): ForgeClient {
  const { webUrl, host } = gitlabAddress(options.baseUrl);
  const clock = options.clock ?? systemClock;
  const { credential } = options;
  if (credential.kind !== "token") throw new ForgeError("refused", "GitLab takes an access token.");
  const { token } = credential;
  const fetch = createForgeTransport({
    ...options,
    clock,
    forge: "GitLab",
    host,
    secrets: [token],
    explain: explainGitlab,
  });
  const api = createGitlabApi(webUrl, token, fetch);
  return {
    gitBaseUrl: webUrl,
    check: () => checkGitlab(api).catch(failedCheck("GitLab", host)),
    listRepositories: ({ page, search }) => listProjects(api, page, search),
    getRepository: (repository) => getProject(api, repository),
    findMissingRight: (repository) =>
      findMissingGitlabRight(api, repository, () =>
        mayPushByGit(options.fetch, webUrl, repository, {
          username: "oauth2",
          password: token,
          expiresAtMs: null,
        }),
      ),
    readBranch: (repository, branch) => readBranch(api, repository, branch),
    compare: (repository, headOid, targetBranch) => compare(api, repository, headOid, targetBranch),
    findPullRequest: (repository, branch) => findMergeRequest(api, repository, branch),
    openPullRequest: (request) => openMergeRequest(api, request),
    getPullRequest: async (repository, number) =>
      toPullRequest(
        await ask(GitlabMergeRequest, () => api.mergeRequests.show(projectPath(repository), number)),
      ),
    listComments: (repository, number, cursor) => listNotes(api, repository, number, cursor),
    canWrite: (repository, login) => canWrite(api, repository, login),
    addComment: async (repository, number, text) => {
      const path = projectPath(repository);
      const body = fitText(text, NOTE_CHARS_MAX, "GitLab");
      const { id } = await ask(Created, () => api.notes.create(path, number, body));
      return { id: `comment-${id}`, url: `${webUrl}/${path}/-/merge_requests/${number}#note_${id}` };
    },
    gitCredential: async () => ({ username: "oauth2", password: token, expiresAtMs: null }),
    verifyWebhook: async (headers, body, secret) => verifyGitlabWebhook(headers, body, secret, clock.nowMs()),
  };
}

const Created = z.object({ id: z.number() });
const Branch = z.object({ commit: z.object({ id: z.string() }) });
const Commit = z.object({ id: z.string() });
const FoundUsers = z.array(z.object({ id: z.number(), username: z.string() }));
const Member = z.object({ access_level: z.int(), state: z.string().optional() });

/** Commits that are counted for a pull request, in pages of 100; more than 1000 is shown as 1000. */
const COMMIT_PAGES_MAX = 10;
/** GitLab's largest page. */
const PAGE = 100;
/** Text of a comment, characters. Source: GitLab's API of notes. */
const NOTE_CHARS_MAX = 1_000_000;

async function listProjects(
  api: GitlabApi,
  page: number,
  search: string | undefined,
): Promise<RepositoryPage> {
  const { data, paginationInfo } = await forgeCall(() =>
    api.projects.all({
      membership: true,
      orderBy: "last_activity_at",
      pagination: "offset",
      page,
      perPage: REPOSITORIES_PAGE,
      maxPages: 1,
      showExpanded: true,
      ...(search === undefined ? {} : { search, searchNamespaces: true }),
    }),
  );
  const repositories = await ask(z.array(GitlabProject), async () => data);
  return { repositories, nextPage: paginationInfo.next };
}

function getProject(api: GitlabApi, repository: RepositoryAddress) {
  return ask(GitlabProject, () => api.projects.show(projectPath(repository)));
}

async function readBranch(
  api: GitlabApi,
  repository: RepositoryAddress,
  branch: string,
): Promise<string | null> {
  const found = await orNull(ask(Branch, () => api.branches.show(projectPath(repository), branch)));
  if (found === null) await getProject(api, repository);
  return found?.commit.id ?? null;
}

/** By the merge base and a count: GitLab's own comparison would send the whole diff. */
async function compare(api: GitlabApi, repository: RepositoryAddress, headOid: string, targetBranch: string) {
  const path = projectPath(repository);
  const base = await mergeBase(api, path, [targetBranch, headOid]);
  if (base === null) {
    await getProject(api, repository);
    return "unrelated" as const;
  }
  let commits = 0;
  for (let page = 1; page <= COMMIT_PAGES_MAX; page++) {
    const refName = `${targetBranch}..${headOid}`;
    const { data, paginationInfo } = await forgeCall(() =>
      api.commits.all(path, { refName, page, perPage: PAGE, maxPages: 1, showExpanded: true }),
    );
    commits += (await ask(z.array(Commit), async () => data)).length;
    if (paginationInfo.next === null) break;
  }
  return { baseOid: base, commits };
}

/** GitLab answers 400 for a ref that is not there, and 404 when nothing is common. */
async function mergeBase(api: GitlabApi, path: string, refs: string[]): Promise<string | null> {
  try {
    return (await ask(Commit, () => api.repositories.mergeBase(path, refs))).id;
  } catch (error) {
    if (error instanceof ForgeError && (error.status === 400 || error.status === 404)) return null;
    throw error;
  }
}

/** Members of the groups above count too. */
async function canWrite(api: GitlabApi, repository: RepositoryAddress, login: string): Promise<boolean> {
  const users = await ask(FoundUsers, () => api.users.all({ username: login, perPage: PAGE, maxPages: 1 }));
  const user = users.find(({ username }) => username.toLowerCase() === login.toLowerCase());
  if (user === undefined) return false;
  const member = await orNull(
    ask(Member, () => api.members.show(projectPath(repository), user.id, { includeInherited: true })),
  );
  return (
    member !== null && (member.state ?? "active") === "active" && member.access_level >= GITLAB_DEVELOPER
  );
}
