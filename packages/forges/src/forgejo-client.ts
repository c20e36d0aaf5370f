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
  FORGEJO_TEXT_CHARS_MAX,
  findForgejoPullRequest,
  listForgejoComments,
  openForgejoPullRequest,
} from "./forgejo-pull-requests.ts";
import { ForgejoPullRequest, ForgejoRepository, ForgejoUser } from "./forgejo-schemas.ts";
import { verifyForgejoWebhook } from "./forgejo-webhook.ts";
import { mayPushByGit } from "./git-push-right.ts";
import { hasNextPage } from "./page-link.ts";
import { toPullRequest } from "./pull-request-choice.ts";
import { matchingPage, REPOSITORIES_PAGE } from "./repository-search.ts";
import { fitText } from "./text-bounds.ts";

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
    findMissingRight: async (repository) => {
      const at = `${repository.owner}/${repository.name}`;
      if (!(await getRepository(api, repository)).canPush)
        return `The account of the token may not push to ${at}: give it write access there, as an administrator if comments are to start runs.`;
      const credential = { username: "token", password: token, expiresAtMs: null };
      if ((await mayPushByGit(options.fetch, webUrl, repository, credential)) !== false) return undefined;
      return `The token may not push to ${at}: make one with the scope write:repository that has access to the repository.`;
    },
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
    addComment: async (repository, number, text) => {
      const body = fitText(text, FORGEJO_TEXT_CHARS_MAX, "Forgejo");
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
const Administered = z.array(
  z.object({ full_name: z.string(), permissions: z.object({ admin: z.boolean().default(false) }).nullish() }),
);
/** Repositories that a check names; more are counted. */
const NAMED_MAX = 3;

/**
 * There is no call that lists a token's scopes, so each is tried. The writes go to a repository whose name is reserved and
 * cannot exist: a token without the scope is refused before that is seen.
 */
async function check(api: Api<unknown>): Promise<ConnectionCheck> {
  const { login } = await ask(ForgejoUser, async () => (await api.user.userGetCurrent()).data);
  const query = { page: 1, limit: REPOSITORIES_PAGE, order_by: "recentupdate" } as const;
  const seen = await ask(Administered, async () => (await api.user.userCurrentListRepos(query)).data);
  const nothing = { title: "-", body: "-", head: "-", base: "-" };
  await orNull(forgeCall(() => api.repos.repoCreatePullRequest(segment(login), NO_REPOSITORY, nothing)));
  await orNull(
    forgeCall(() => api.repos.issueCreateComment(segment(login), NO_REPOSITORY, 1, { body: "-" })),
  );
  const deaf = seen.filter(({ permissions }) => permissions?.admin !== true).map((r) => r.full_name);
  return { ok: true, login, message: `Connected as ${login}.${describeDeaf(deaf)}`, expiresAtMs: null };
}

/** Everything else works with write access. */
function describeDeaf(repositories: readonly string[]): string {
  if (repositories.length === 0) return "";
  const more = repositories.length - NAMED_MAX;
  const named = `${repositories.slice(0, NAMED_MAX).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  return ` It is no administrator of ${named}: comments on pull requests start no runs there, since only an administrator may ask Forgejo who may write.`;
}

async function listRepositories(api: Api<unknown>, page: number): Promise<RepositoryPage> {
  const query = { page, limit: REPOSITORIES_PAGE, order_by: "recentupdate" } as const;
  const { data, headers } = await forgeCall(() => api.user.userCurrentListRepos(query));
  const repositories = await ask(z.array(ForgejoRepository), async () => data);
  return { repositories, nextPage: hasNextPage(headers.get("link")) ? page + 1 : null };
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
 * By the account's permission, which only administrators of the repository may ask for. Nobody may write as far as we know when
 * we are none: the list of assignees, which everybody may read, names teams that only read as well.
 */
async function canWrite(api: Api<unknown>, repository: RepositoryAddress, login: string): Promise<boolean> {
  const [owner, name] = pathOf(repository);
  const asked = async () => (await api.repos.repoGetRepoPermissions(owner, name, segment(login))).data;
  try {
    const found = await orNull(ask(Permission, asked));
    return found !== null && /^(write|admin|owner)$/.test(found.permission);
  } catch (error) {
    if (!(error instanceof ForgeError) || error.kind !== "forbidden") throw error;
    return false;
  }
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
