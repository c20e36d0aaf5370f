import { systemClock } from "@windshift/base/clock.ts";
import { type Api, forgejoApi } from "forgejo-js";
import { z } from "zod";
import type { ForgeOptions } from "./create-forge-client.ts";
import { failedCheck } from "./failed-check.ts";
import { forgejoAddress } from "./forge-address.ts";
import {
  type ConnectionCheck,
  type ForgeClient,
  ForgeError,
  type ForgeErrorKind,
  type RepositoryAddress,
  type RepositoryPage,
} from "./forge-client.ts";
import type { ForgeAnswer } from "./forge-failure.ts";
import { ask, forgeCall, orNull } from "./forge-reply.ts";
import { createForgeTransport } from "./forge-transport.ts";
import { compareForgejo } from "./forgejo-compare.ts";
import { branchPath, pathOf, segment } from "./forgejo-path.ts";
import {
  findForgejoPullRequest,
  listForgejoComments,
  openForgejoPullRequest,
} from "./forgejo-pull-requests.ts";
import { ForgejoPullRequest, ForgejoRepository, ForgejoUser } from "./forgejo-schemas.ts";
import { verifyForgejoWebhook } from "./forgejo-webhook.ts";
import { toPullRequest } from "./pull-request-choice.ts";
import { matchingPage, REPOSITORIES_PAGE } from "./repository-search.ts";

/** Forgejo, Gitea and Codeberg. @throws ForgeError `refused` for a base address that is none, or a GitHub App */
export function createForgejoClient(options: ForgeOptions): ForgeClient {
  const { webUrl, host } = forgejoAddress(options.baseUrl);
  const clock = options.clock ?? systemClock;
  const { credential } = options;
  if (credential.kind !== "token") throw new ForgeError("refused", "Forgejo takes an access token.");
  const { token } = credential;
  const words = { forge: "Forgejo or Gitea", host, secrets: [token], explain: explainForgejo };
  const transport = createForgeTransport({ ...options, ...words, clock });
  // `preconnect` is a part of Bun's type of fetch that the client never calls.
  const customFetch = Object.assign(transport, { preconnect: () => {} });
  const api = forgejoApi(webUrl, { token, customFetch });
  return {
    gitBaseUrl: webUrl,
    check: () => check(api).catch(failedCheck("Forgejo or Gitea", host)),
    listRepositories: ({ page, search }) =>
      search === undefined
        ? listRepositories(api, page)
        : matchingPage(search, (p) => listRepositories(api, p)),
    getRepository: (repository) => getRepository(api, repository),
    readBranch: (repository, branch) => readBranch(api, repository, branch),
    compare: async (repository, headOid, targetBranch) => {
      const targetOid = await readBranch(api, repository, targetBranch);
      const found = targetOid && (await orNull(compareForgejo(api, repository, headOid, targetOid)));
      return found || "unrelated";
    },
    findPullRequest: (repository, branch) => findForgejoPullRequest(api, repository, branch),
    openPullRequest: (request) => openForgejoPullRequest(api, request),
    getPullRequest: async (repository, number) =>
      toPullRequest(
        await ask(
          ForgejoPullRequest,
          async () => (await api.repos.repoGetPullRequest(...pathOf(repository), number)).data,
        ),
      ),
    listComments: (repository, number, cursor) => listForgejoComments(api, repository, number, cursor),
    canWrite: (repository, login) => canWrite(api, repository, login),
    addComment: async (repository, number, body) => {
      const call = async () =>
        (await api.repos.issueCreateComment(...pathOf(repository), number, { body })).data;
      const { id, html_url } = await ask(Created, call);
      return { id: `comment-${id}`, url: html_url };
    },
    // The name is not looked at when the password is a token.
    gitCredential: async () => ({ username: "token", password: token, expiresAtMs: null }),
    verifyWebhook: async (headers, body, secret) => verifyForgejoWebhook(headers, body, secret),
  };
}

const Created = z.object({ id: z.number(), html_url: z.string() });
const Branch = z.object({ commit: z.object({ id: z.string() }) });
/** Forgejo and Gitea let no repository have this name. */
const NO_REPOSITORY = "-";
const Permission = z.object({ permission: z.string() });
const Logins = z.array(z.object({ login: z.string() }));

/**
 * There is no call that lists a token's scopes, so each is tried. The writes go to a repository whose name is reserved and
 * cannot exist: a token without the scope is refused before that is seen.
 */
async function check(api: Api<unknown>): Promise<ConnectionCheck> {
  const { login } = await ask(ForgejoUser, async () => (await api.user.userGetCurrent()).data);
  await listRepositories(api, 1);
  const nothing = { title: "-", body: "-", head: "-", base: "-" };
  await orNull(forgeCall(() => api.repos.repoCreatePullRequest(segment(login), NO_REPOSITORY, nothing)));
  await orNull(
    forgeCall(() => api.repos.issueCreateComment(segment(login), NO_REPOSITORY, 1, { body: "-" })),
  );
  return { ok: true, login, message: `Connected as ${login}.`, expiresAtMs: null };
}

async function listRepositories(api: Api<unknown>, page: number): Promise<RepositoryPage> {
  const query = { page, limit: REPOSITORIES_PAGE, order_by: "recentupdate" } as const;
  const repositories = await ask(
    z.array(ForgejoRepository),
    async () => (await api.user.userCurrentListRepos(query)).data,
  );
  return { repositories, nextPage: repositories.length === REPOSITORIES_PAGE ? page + 1 : null };
}

function getRepository(api: Api<unknown>, repository: RepositoryAddress) {
  return ask(ForgejoRepository, async () => (await api.repos.repoGet(...pathOf(repository))).data);
}

async function readBranch(api: Api<unknown>, repository: RepositoryAddress, branch: string) {
  const found = await orNull(
    ask(Branch, async () => (await api.repos.repoGetBranch(...pathOf(repository), branchPath(branch))).data),
  );
  if (found === null) await getRepository(api, repository);
  return found?.commit.id ?? null;
}

/**
 * By the account's permission, which only administrators of the repository may ask for; else by the list of assignees,
 * which is that of everyone with write access.
 */
async function canWrite(api: Api<unknown>, repository: RepositoryAddress, login: string): Promise<boolean> {
  const [owner, name] = pathOf(repository);
  try {
    const asked = api.repos.repoGetRepoPermissions(owner, name, segment(login));
    const found = await orNull(ask(Permission, async () => (await asked).data));
    return found !== null && /^(write|admin|owner)$/.test(found.permission);
  } catch (error) {
    if (!(error instanceof ForgeError) || error.kind !== "forbidden") throw error;
  }
  const writers = await ask(Logins, async () => (await api.repos.repoGetAssignees(owner, name)).data);
  return writers.some((writer) => writer.login.toLowerCase() === login.toLowerCase());
}

/** What only Forgejo says with a refusal. */
function explainForgejo({
  status,
  said,
}: ForgeAnswer): { kind: ForgeErrorKind; message: string } | undefined {
  if (status !== 403 || !/required scope/i.test(said)) return undefined;
  const scopes = /\[([\w:, -]+)\]/.exec(said)?.[1] ?? "write:repository";
  return {
    kind: "missing_scope",
    message: `The token lacks the scope \`${scopes}\`. A run needs write:repository, write:issue and read:user.`,
  };
}
