import type { Branch, Commit } from "forgejo-js";
import { createForgeFaults } from "./forge-faults.ts";
import {
  AGENT,
  createForgeModel,
  type ForgeModel,
  listNew,
  type ModelComment,
  type ModelPull,
  type ModelRepository,
  OTHER_REPOSITORIES,
  PEOPLE,
  readOid,
} from "./forge-model.ts";
import { pageOf } from "./forge-pages.ts";
import { addComment, addReview, type ForgeCall, findPull, startForge } from "./forge-process.ts";
import type { ForgeServer } from "./forge-server.ts";
import { signForgejoDelivery } from "./forgejo-deliveries.ts";
import { commentJson, pullJson, repositoryJson, reviewsJson, seconds, user } from "./forgejo-json.ts";

/** Scopes that a call needs. Source: Forgejo's access token scopes. */
export type Scope = "read:user" | "read:repository" | "write:repository" | "write:issue" | "read:issue";
const FULL: Scope[] = ["read:user", "write:repository", "write:issue"];

export interface ForgejoServer extends ForgeServer {
  /** Another token of the agent. */
  addToken(scopes: Scope[]): string;
}

/** A Forgejo that answers by the types of forgejo-js, from memory and real git. */
export async function startForgejoServer(): Promise<ForgejoServer> {
  const model = await createForgeModel("acme", "shop");
  const tokens = {
    full: "f0".repeat(20),
    narrow: "a1".repeat(20),
    expired: "b2".repeat(20),
    revoked: "c3".repeat(20),
  };
  model.tokens.set(tokens.full, { login: AGENT, scopes: FULL, state: "good" });
  model.tokens.set(tokens.narrow, { login: AGENT, scopes: ["read:user"], state: "good" });
  // Forgejo's tokens do not expire by themselves; one that was deleted and one of a deleted account look alike.
  model.tokens.set(tokens.expired, { login: AGENT, scopes: FULL, state: "expired" });
  model.tokens.set(tokens.revoked, { login: AGENT, scopes: FULL, state: "revoked" });
  const weak = "e4".repeat(20);
  model.tokens.set(weak, {
    login: AGENT,
    scopes: ["read:user", "read:repository", "write:issue"],
    state: "good",
  });
  const faults = createForgeFaults();
  const forge = startForge({ model, faults, apiPath: "/api/v1", answer: (call) => answer(call, model) });
  const [repository] = model.repositories as [ModelRepository];
  repository.access.set(AGENT, "admin");
  return {
    kind: "forgejo",
    url: forge.url,
    agent: AGENT,
    tokens,
    weakTokens: [{ token: weak, grant: "make one with the scope write:repository" }],
    otherRepositories: OTHER_REPOSITORIES,
    people: PEOPLE,
    repository: { owner: "acme", name: "shop" },
    dir: repository.dir,
    faults,
    violations: [],
    addToken: (scopes) => {
      const token = `d${model.tokens.size}`.repeat(20);
      model.tokens.set(token, { login: AGENT, scopes, state: "good" });
      return token;
    },
    setAgentAccess: async (access) => void repository.access.set(AGENT, access),
    comment: async (number, login, body) => void addComment(findPull(repository, number), login, body),
    review: async (number, login, body, inDiff) =>
      addReview(findPull(repository, number), login, body, inDiff),
    close: async (number) => {
      findPull(repository, number).state = "closed";
    },
    reopen: async (number) => {
      findPull(repository, number).state = "open";
    },
    merge: (number) => model.merge(findPull(repository, number)),
    webhook: signForgejoDelivery,
    stop: () => forge.stop(),
  };
}

async function answer(call: ForgeCall, model: ForgeModel): Promise<Response> {
  const token = model.tokens.get(call.token ?? "");
  if (token?.state !== "good") return message(401, "user does not exist [uid: 0, name: ]");
  const needed = scopeOf(call);
  if (!token.scopes.some((held) => held === needed || held === needed.replace("read:", "write:")))
    return message(
      403,
      `token does not have at least one of required scope(s), required=[${needed}], token scope=${token.scopes.join(",")}`,
    );
  const base = call.url.origin;
  if (call.path === "/user") return Response.json(user(model, token.login));
  if (call.path === "/user/repos")
    return listed(
      call.url,
      model.repositories.filter((r) => r.access.has(token.login)),
      (r) => repositoryJson(r, token.login, base),
    );
  const [, owner, name, rest = ""] = /^\/repos\/([^/]+)\/([^/]+)(\/.*)?$/.exec(call.path) ?? [];
  const repository = model.repositories.find(
    (r) => r.owner === owner && r.name === name && r.access.has(token.login),
  );
  if (repository === undefined) return message(404, "GetRepoByName");
  return repositoryAnswer({ call, model, repository, login: token.login, rest, base });
}

interface RepositoryCall {
  call: ForgeCall;
  model: ForgeModel;
  repository: ModelRepository;
  login: string;
  /** Below the repository. */
  rest: string;
  base: string;
}

async function repositoryAnswer(at: RepositoryCall): Promise<Response> {
  const { call, model, repository, login, rest, base } = at;
  if (rest === "") return Response.json(repositoryJson(repository, login, base));
  const branch = /^\/branches\/(.+)$/.exec(rest)?.[1];
  if (branch !== undefined) return branchAnswer(repository, branch);
  if (rest === "/commits") return commitsAnswer(repository, call.url);
  // Those who read are in a team of the organization, and such a team is listed whatever it may do.
  if (rest === "/assignees")
    return Response.json([...repository.access.keys()].map((member) => user(model, member)));
  const collaborator = /^\/collaborators\/([^/]+)\/permission$/.exec(rest)?.[1];
  if (collaborator !== undefined) return permissionAnswer(at, collaborator);
  if (rest === "/pulls") return call.method === "POST" ? createPull(at) : listPulls(at);
  const [, kind, number, below = ""] = /^\/(pulls|issues)\/(\d+)(\/.*)?$/.exec(rest) ?? [];
  const pull = repository.pulls.find((p) => p.number === Number(number));
  if (pull === undefined) return message(404, "The target couldn't be found.");
  if (kind === "pulls" && below === "") return Response.json(await pullJson(model, pull, base));
  if (below === "/comments" && call.method === "POST") {
    const made = addComment(pull, login, String(call.body.body));
    return Response.json(commentJson(model, pull, made, base), { status: 201 });
  }
  if (below === "/comments")
    return Response.json(commentsOf(pull, call.url).map((c) => commentJson(model, pull, c, base)));
  if (below === "/reviews") return listed(call.url, reviewsJson(model, pull, base), (review) => review);
  const review = /^\/reviews\/(\d+)\/comments$/.exec(below)?.[1];
  const inDiff = pull.comments.filter((c) => c.kind === "review_comment" && c.reviewId === Number(review));
  return Response.json(inDiff.map((c) => commentJson(model, pull, c, base)));
}

async function branchAnswer(repository: ModelRepository, name: string): Promise<Response> {
  const oid = await readOid(repository, `refs/heads/${name}`);
  if (oid === null) return message(404, "The target couldn't be found.");
  return Response.json({ name, commit: { id: oid }, protected: false } satisfies Branch);
}

async function commitsAnswer(repository: ModelRepository, url: URL): Promise<Response> {
  const head = await readOid(repository, url.searchParams.get("sha") ?? "main");
  if (head === null) return message(404, "The target couldn't be found.");
  const all = await listNew(repository, url.searchParams.get("not") ?? undefined, head);
  return listed(
    url,
    all,
    ({ oid, parents }) => ({ sha: oid, parents: parents.map((sha) => ({ sha })) }) satisfies Commit,
  );
}

/** Only administrators of the repository, and everyone for themselves. */
function permissionAnswer({ repository, login, model }: RepositoryCall, collaborator: string): Response {
  if (login !== collaborator && repository.access.get(login) !== "admin")
    return message(
      403,
      "Only admins can query all permissions, repo admins can query all repo permissions, collaborators can query only their own",
    );
  if (!model.accounts.has(collaborator)) return message(404, "user does not exist");
  return Response.json({
    permission: repository.access.get(collaborator) ?? "none",
    role_name: "",
    user: user(model, collaborator),
  });
}

async function listPulls({ call, model, repository, base }: RepositoryCall): Promise<Response> {
  const state = call.url.searchParams.get("state") ?? "open";
  const wanted = repository.pulls.filter(
    (p) => state === "all" || (state === "open") === (p.state === "open"),
  );
  return listed(call.url, wanted.toReversed(), (p) => pullJson(model, p, base));
}

async function createPull({ call, model, repository, login, base }: RepositoryCall): Promise<Response> {
  const { title, body, head, base: target } = call.body as Record<string, string>;
  if (!title || !head || !target) return message(422, "[Title]: Required");
  if ((await readOid(repository, `refs/heads/${head}`)) === null)
    return message(404, "The target couldn't be found.");
  if (repository.pulls.some((p) => p.source === head && p.target === target && p.state === "open"))
    return message(
      409,
      `pull request already exists for these targets [head_branch: ${head}, base_branch: ${target}]`,
    );
  const number = repository.pulls.length + 1;
  const pull: ModelPull = {
    id: 1_000 + number,
    number,
    repository,
    title,
    body: body ?? "",
    source: head,
    target,
    author: login,
    state: "open",
    mergeOid: null,
    createdAtMs: Date.now(),
    comments: [],
  };
  repository.pulls.push(pull);
  return Response.json(await pullJson(model, pull, base), { status: 201 });
}

function commentsOf(pull: ModelPull, url: URL): ModelComment[] {
  const sinceMs = Date.parse(url.searchParams.get("since") ?? "1970-01-01T00:00:00Z");
  return pull.comments.filter((c) => c.kind === "comment" && Date.parse(seconds(c.createdAtMs)) >= sinceMs);
}

function scopeOf({ method, path }: ForgeCall): Scope {
  if (path === "/user" || path === "/user/repos") return path === "/user" ? "read:user" : "read:repository";
  if (/\/issues\/\d+\//.test(path)) return method === "GET" ? "read:issue" : "write:issue";
  return method === "GET" ? "read:repository" : "write:repository";
}

/** Answers with one page; a limit above 50 is cut, as Forgejo does. */
async function listed<T>(url: URL, all: readonly T[], json: (one: T) => unknown): Promise<Response> {
  const { items, headers } = pageOf(url, all, { sizeName: "limit", sizeDefault: 30, sizeMax: 50 });
  return Response.json(await Promise.all(items.map(json)), { headers });
}

function message(status: number, text: string): Response {
  return Response.json({ message: text, url: "https://forgejo.example/api/swagger" }, { status });
}
