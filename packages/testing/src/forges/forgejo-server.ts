import { createHmac, randomUUID } from "node:crypto";
import type { Branch, Comment, Commit, PullRequest, PullReview, Repository, User } from "forgejo-js";
import { createForgeFaults } from "./forge-faults.ts";
import {
  AGENT,
  createForgeModel,
  type ForgeModel,
  listNew,
  type ModelComment,
  type ModelPull,
  type ModelRepository,
  PEOPLE,
  readOid,
} from "./forge-model.ts";
import { addComment, addReview, type ForgeCall, findPull, startForge } from "./forge-process.ts";
import type { ForgeServer, SignedDelivery, WebhookEvent } from "./forge-server.ts";

/** Scopes that a call needs. Source: Forgejo's access token scopes. */
export type Scope = "read:user" | "read:repository" | "write:repository" | "write:issue" | "read:issue";
const FULL: Scope[] = ["read:user", "write:repository", "write:issue"];

export interface ForgejoServer extends ForgeServer {
  /** Another token of the agent. */
  addToken(scopes: Scope[]): string;
  /** What the agent's account may do in the repository; an administrator at first. */
  setAgentAccess(access: "read" | "write" | "admin"): void;
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
  const faults = createForgeFaults();
  const forge = startForge({ model, faults, apiPath: "/api/v1", answer: (call) => answer(call, model) });
  const [repository] = model.repositories as [ModelRepository];
  repository.access.set(AGENT, "admin");
  return {
    kind: "forgejo",
    url: forge.url,
    agent: AGENT,
    tokens,
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
    setAgentAccess: (access) => void repository.access.set(AGENT, access),
    comment: async (number, login, body) => void addComment(findPull(repository, number), login, body),
    review: async (number, login, body, inDiff) =>
      addReview(findPull(repository, number), login, body, inDiff),
    close: async (number) => {
      findPull(repository, number).state = "closed";
    },
    merge: (number) => model.merge(findPull(repository, number)),
    webhook: (event, number, secret) => sign(event, number, secret),
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
    return Response.json(
      page(
        call.url,
        model.repositories.filter((r) => r.access.has(token.login)),
      ).map((r) => repositoryJson(r, token.login, base)),
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
  if (below === "/reviews") return Response.json(page(call.url, reviewsJson(model, pull, base)));
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
  const commits: Commit[] = page(url, all).map(({ oid, parents }) => ({
    sha: oid,
    parents: parents.map((sha) => ({ sha })),
  }));
  return Response.json(commits, { headers: { "x-total-count": String(all.length) } });
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
  return Response.json(
    await Promise.all(page(call.url, wanted.toReversed()).map((p) => pullJson(model, p, base))),
  );
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

function user(model: ForgeModel, login: string): User {
  const { id } = model.account(login);
  return { id, login, full_name: "", email: `${login}@example.com`, active: true };
}

function repositoryJson(repository: ModelRepository, login: string, base: string): Repository {
  const { id, owner, name } = repository;
  const access = repository.access.get(login);
  return {
    id,
    name,
    full_name: `${owner}/${name}`,
    owner: { id: 1, login: owner },
    default_branch: "main",
    html_url: `${base}/${owner}/${name}`,
    archived: false,
    private: repository.private,
    empty: false,
    fork: false,
    permissions: { pull: true, push: access !== "read", admin: access === "admin" },
  };
}

async function pullJson(model: ForgeModel, pull: ModelPull, base: string): Promise<PullRequest> {
  const { repository, source, target } = pull;
  const [head, onto] = [
    await readOid(repository, `refs/heads/${source}`),
    await readOid(repository, `refs/heads/${target}`),
  ];
  return {
    id: pull.id,
    number: pull.number,
    title: pull.title,
    body: pull.body,
    html_url: `${base}/${repository.owner}/${repository.name}/pulls/${pull.number}`,
    state: pull.state === "open" ? "open" : "closed",
    merged: pull.state === "merged",
    draft: /^WIP:/.test(pull.title),
    user: user(model, pull.author),
    ...(pull.mergeOid === null ? {} : { merge_commit_sha: pull.mergeOid }),
    head: { label: source, ref: source, sha: head ?? "", repo_id: repository.id },
    base: { label: target, ref: target, sha: onto ?? "", repo_id: repository.id },
  };
}

function commentsOf(pull: ModelPull, url: URL): ModelComment[] {
  const sinceMs = Date.parse(url.searchParams.get("since") ?? "1970-01-01T00:00:00Z");
  return pull.comments.filter((c) => c.kind === "comment" && Date.parse(seconds(c.createdAtMs)) >= sinceMs);
}

function commentJson(model: ForgeModel, pull: ModelPull, comment: ModelComment, base: string): Comment {
  const at = seconds(comment.createdAtMs);
  return {
    id: comment.id,
    body: comment.body,
    user: user(model, comment.login),
    created_at: at,
    updated_at: at,
    html_url: `${base}/${pull.repository.owner}/${pull.repository.name}/pulls/${pull.number}#issuecomment-${comment.id}`,
  };
}

function reviewsJson(model: ForgeModel, pull: ModelPull, base: string): PullReview[] {
  return pull.comments
    .filter((c) => c.kind === "review")
    .map((c) => ({
      id: c.id,
      body: c.body,
      user: user(model, c.login),
      state: "COMMENT",
      submitted_at: seconds(c.createdAtMs),
      comments_count: pull.comments.filter((inner) => inner.reviewId === c.id).length,
      html_url: `${base}/${pull.repository.owner}/${pull.repository.name}/pulls/${pull.number}#issuecomment-${c.id}`,
    }));
}

/** Forgejo's times have no parts of a second. */
function seconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function scopeOf({ method, path }: ForgeCall): Scope {
  if (path === "/user" || path === "/user/repos") return path === "/user" ? "read:user" : "read:repository";
  if (/\/issues\/\d+\//.test(path)) return method === "GET" ? "read:issue" : "write:issue";
  return method === "GET" ? "read:repository" : "write:repository";
}

/** A limit above 50 is cut, as Forgejo does. */
function page<T>(url: URL, items: readonly T[]): T[] {
  const limit = Math.min(Number(url.searchParams.get("limit") ?? 30), 50);
  const from = (Number(url.searchParams.get("page") ?? 1) - 1) * limit;
  return items.slice(from, from + limit);
}

function message(status: number, text: string): Response {
  return Response.json({ message: text, url: "https://forgejo.example/api/swagger" }, { status });
}

function sign(event: WebhookEvent, number: number, secret: string): SignedDelivery {
  const repository = { name: "shop", full_name: "acme/shop", owner: { id: 1, login: "acme" } };
  const payload = {
    pull_request: { action: "opened", number, pull_request: { number }, repository },
    comment: { action: "created", is_pull: true, issue: { number }, comment: { id: 1 }, repository },
    review: {
      action: "reviewed",
      pull_request: { number },
      review: { type: "pull_request_review_comment" },
      repository,
    },
    push: { ref: "refs/heads/main", repository },
  }[event];
  const names = {
    pull_request: "pull_request",
    comment: "pull_request_comment",
    review: "pull_request_review_comment",
    push: "push",
  };
  const body = new TextEncoder().encode(JSON.stringify(payload));
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  const delivery = randomUUID();
  const headers = Object.fromEntries(
    ["forgejo", "gitea"].flatMap((brand) => [
      [`x-${brand}-delivery`, delivery],
      [`x-${brand}-event`, event === "comment" ? "issue_comment" : names[event]],
      [`x-${brand}-event-type`, names[event]],
      [`x-${brand}-signature`, signature],
    ]),
  );
  return { headers: { "content-type": "application/json", ...headers }, body };
}
