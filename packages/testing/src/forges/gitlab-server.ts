import { createHmac, randomUUID } from "node:crypto";
import type {
  BranchSchema,
  CommitSchema,
  MergeRequestNoteSchema,
  MergeRequestSchema,
  PersonalAccessTokenSchema,
  ProjectSchema,
} from "@gitbeaker/core";
import { gitOut } from "../git-repository.ts";
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
  type Token,
} from "./forge-model.ts";
import { addComment, addReview, type ForgeCall, findPull, startForge } from "./forge-process.ts";
import type { ForgeServer, SignedDelivery, WebhookEvent } from "./forge-server.ts";

const OWNER = "acme/web";
const LEVELS = { read: 20, write: 30, admin: 50 } as const;

/** A GitLab with a project in a subgroup, that answers by the types of gitbeaker, from memory and real git. */
export async function startGitlabServer(): Promise<ForgeServer> {
  const model = await createForgeModel(OWNER, "shop");
  const tokens = {
    full: "glpat-full0000000000000000",
    narrow: "glpat-narrow00000000000000",
    expired: "glpat-expired0000000000000",
    revoked: "glpat-revoked0000000000000",
  };
  model.tokens.set(tokens.full, { login: AGENT, scopes: ["api", "write_repository"], state: "good" });
  model.tokens.set(tokens.narrow, { login: AGENT, scopes: ["read_api"], state: "good" });
  model.tokens.set(tokens.expired, { login: AGENT, scopes: ["api"], state: "expired" });
  model.tokens.set(tokens.revoked, { login: AGENT, scopes: ["api"], state: "revoked" });
  const faults = createForgeFaults();
  const forge = startForge({ model, faults, apiPath: "/api/v4", answer: (call) => answer(call, model) });
  const [repository] = model.repositories as [ModelRepository];
  return {
    kind: "gitlab",
    url: forge.url,
    agent: AGENT,
    tokens,
    people: PEOPLE,
    repository: { owner: OWNER, name: "shop" },
    dir: repository.dir,
    faults,
    violations: [],
    comment: async (number, login, body) => void addComment(findPull(repository, number), login, body),
    review: async (number, login, body, inDiff) =>
      addReview(findPull(repository, number), login, body, inDiff),
    close: async (number) => {
      findPull(repository, number).state = "closed";
    },
    merge: (number) => model.merge(findPull(repository, number)),
    webhook: (event, number, secret) => deliver(event, number, secret),
    stop: () => forge.stop(),
  };
}

async function answer(call: ForgeCall, model: ForgeModel): Promise<Response> {
  const token = model.tokens.get(call.token ?? "");
  const refusal = refusalOf(call, token);
  if (refusal !== undefined || token === undefined) return refusal ?? message(401, "401 Unauthorized");
  if (call.path === "/personal_access_tokens/self") return Response.json(tokenJson(model, token));
  if (call.path === "/user") return Response.json(userJson(model, token.login));
  if (call.path === "/users") {
    const wanted = call.url.searchParams.get("username");
    return Response.json(
      [...model.accounts.values()].filter((a) => a.login === wanted).map((a) => userJson(model, a.login)),
    );
  }
  const visible = model.repositories.filter((r) => r.access.has(token.login));
  if (call.path === "/projects") return listProjects(call, visible, token.login);
  const [, encoded, rest = ""] = /^\/projects\/([^/]+)(\/.*)?$/.exec(call.path) ?? [];
  const repository = visible.find((r) => `${r.owner}/${r.name}` === decodeURIComponent(encoded ?? ""));
  if (repository === undefined) return message(404, "404 Project Not Found");
  return projectAnswer({ call, model, repository, login: token.login, rest });
}

/** GitLab says why a token is not taken. */
function refusalOf({ method }: ForgeCall, token: Token | undefined): Response | undefined {
  if (token === undefined) return message(401, "401 Unauthorized");
  if (token.state === "revoked")
    return Response.json(
      {
        error: "invalid_token",
        error_description: "Token was revoked. You have to re-authorize from the user.",
      },
      { status: 401 },
    );
  if (token.state === "expired")
    return Response.json(
      {
        error: "invalid_token",
        error_description: "Token is expired. You can either do re-authorization or token refresh.",
      },
      { status: 401 },
    );
  if (method !== "GET" && !token.scopes.includes("api"))
    return Response.json(
      {
        error: "insufficient_scope",
        error_description: "The request requires higher privileges than provided by the access token.",
        scope: "api",
      },
      { status: 403 },
    );
  return undefined;
}

function listProjects({ url }: ForgeCall, visible: readonly ModelRepository[], login: string): Response {
  const search = (url.searchParams.get("search") ?? "").toLowerCase();
  const found = visible.filter((r) => `${r.owner}/${r.name}`.includes(search));
  return Response.json(page(url, found).map((r) => projectJson(r, login, url.origin)));
}

interface ProjectCall {
  call: ForgeCall;
  model: ForgeModel;
  repository: ModelRepository;
  login: string;
  /** Below the project. */
  rest: string;
}

async function projectAnswer(at: ProjectCall): Promise<Response> {
  const { call, model, repository, login, rest } = at;
  if (rest === "") return Response.json(projectJson(repository, login, call.url.origin));
  const branch = /^\/repository\/branches\/([^/]+)$/.exec(rest)?.[1];
  if (branch !== undefined) return branchAnswer(repository, decodeURIComponent(branch));
  if (rest === "/repository/merge_base") return mergeBaseAnswer(repository, call.url);
  if (rest === "/repository/commits") return commitsAnswer(repository, call.url);
  const member = /^\/members\/all\/(\d+)$/.exec(rest)?.[1];
  if (member !== undefined) return memberAnswer(model, repository, Number(member));
  if (rest === "/merge_requests") return call.method === "POST" ? createRequest(at) : listRequests(at);
  const [, number, below = ""] = /^\/merge_requests\/(\d+)(\/.*)?$/.exec(rest) ?? [];
  const pull = repository.pulls.find((p) => p.number === Number(number));
  if (pull === undefined) return message(404, "404 Not found");
  if (below === "") return Response.json(await requestJson(model, pull, call.url.origin));
  if (call.method === "POST")
    return Response.json(noteJson(model, pull, addComment(pull, login, String(call.body.body))), {
      status: 201,
    });
  const notes = pull.comments.map((c) => noteJson(model, pull, c)).toReversed();
  return Response.json(page(call.url, notes));
}

async function branchAnswer(repository: ModelRepository, name: string): Promise<Response> {
  const oid = await readOid(repository, `refs/heads/${name}`);
  if (oid === null) return message(404, "404 Branch Not Found");
  return Response.json({
    name,
    merged: false,
    protected: false,
    commit: commitJson(oid, []),
  } satisfies Partial<BranchSchema>);
}

async function mergeBaseAnswer(repository: ModelRepository, url: URL): Promise<Response> {
  const refs = await Promise.all(url.searchParams.getAll("refs[]").map((ref) => readOid(repository, ref)));
  if (refs.length !== 2 || refs.includes(null)) return message(400, "Could not find ref");
  try {
    const oid = await gitOut(["merge-base", ...refs.map(String)], repository.dir);
    return Response.json(commitJson(oid, []));
  } catch {
    return message(404, "404 Merge Base Not Found");
  }
}

async function commitsAnswer(repository: ModelRepository, url: URL): Promise<Response> {
  const [base, head] = (url.searchParams.get("ref_name") ?? "main").split("..");
  const all =
    head === undefined
      ? await listNew(repository, undefined, base ?? "")
      : await listNew(repository, base, head);
  return Response.json(page(url, all).map(({ oid, parents }) => commitJson(oid, parents)));
}

function memberAnswer(model: ForgeModel, repository: ModelRepository, id: number): Response {
  const login = [...model.accounts.values()].find((account) => account.id === id)?.login ?? "";
  const access = repository.access.get(login);
  if (access === undefined) return message(404, "404 Not found");
  return Response.json({ ...userJson(model, login), access_level: LEVELS[access] });
}

async function listRequests({ call, model, repository }: ProjectCall): Promise<Response> {
  const source = call.url.searchParams.get("source_branch");
  const found = repository.pulls.filter((p) => source === null || p.source === source).toReversed();
  return Response.json(
    await Promise.all(page(call.url, found).map((p) => requestJson(model, p, call.url.origin))),
  );
}

async function createRequest({ call, model, repository, login }: ProjectCall): Promise<Response> {
  const {
    title,
    description,
    source_branch: source,
    target_branch: target,
  } = call.body as Record<string, string>;
  if (!title || !source || !target) return Response.json({ error: "title is missing" }, { status: 400 });
  if ((await readOid(repository, `refs/heads/${source}`)) === null)
    return message(422, ["The source branch does not exist"]);
  const twin = repository.pulls.find((p) => p.source === source && p.target === target && p.state === "open");
  if (twin !== undefined)
    return message(409, [
      `Another open merge request already exists for this source branch: !${twin.number}`,
    ]);
  const number = repository.pulls.length + 1;
  const pull: ModelPull = {
    id: 2_000 + number,
    number,
    repository,
    title,
    body: description ?? "",
    source,
    target,
    author: login,
    state: "open",
    mergeOid: null,
    createdAtMs: Date.now(),
    comments: [],
  };
  repository.pulls.push(pull);
  return Response.json(await requestJson(model, pull, call.url.origin), { status: 201 });
}

function userJson(model: ForgeModel, login: string) {
  const { id } = model.account(login);
  return { id, username: login, name: login, state: "active", avatar_url: "", web_url: "" };
}

function tokenJson(model: ForgeModel, token: Token): Partial<PersonalAccessTokenSchema> {
  return {
    id: 1,
    name: "windshift",
    revoked: false,
    scopes: token.scopes,
    user_id: model.account(token.login).id,
    active: true,
    expires_at: "2099-01-02",
  };
}

function projectJson(repository: ModelRepository, login: string, base: string): Partial<ProjectSchema> {
  const path = `${repository.owner}/${repository.name}`;
  const level = LEVELS[repository.access.get(login) ?? "read"];
  return {
    id: repository.id,
    name: repository.name,
    path: repository.name,
    path_with_namespace: path,
    default_branch: "main",
    web_url: `${base}/${path}`,
    archived: false,
    visibility: repository.private ? "private" : "public",
    // The right comes from the group, as it mostly does.
    permissions: {
      project_access: { access_level: 0, notification_level: 0 },
      group_access: { access_level: level, notification_level: 3 },
    },
  } as Partial<ProjectSchema>;
}

async function requestJson(
  model: ForgeModel,
  pull: ModelPull,
  base: string,
): Promise<Partial<MergeRequestSchema>> {
  const { repository } = pull;
  const head = await readOid(repository, `refs/heads/${pull.source}`);
  return {
    id: pull.id,
    iid: pull.number,
    project_id: repository.id,
    title: pull.title,
    description: pull.body,
    state: pull.state === "open" ? "opened" : pull.state,
    draft: /^Draft:/i.test(pull.title),
    source_branch: pull.source,
    target_branch: pull.target,
    source_project_id: repository.id,
    target_project_id: repository.id,
    web_url: `${base}/${repository.owner}/${repository.name}/-/merge_requests/${pull.number}`,
    sha: head ?? "",
    ...(pull.mergeOid === null ? {} : { merge_commit_sha: pull.mergeOid }),
    author: userJson(model, pull.author) as MergeRequestSchema["author"],
  };
}

function noteJson(
  model: ForgeModel,
  pull: ModelPull,
  comment: ModelComment,
): Partial<MergeRequestNoteSchema> {
  const at = new Date(comment.createdAtMs).toISOString();
  return {
    id: comment.id,
    body: comment.body,
    system: false,
    created_at: at,
    updated_at: at,
    noteable_iid: pull.number,
    author: userJson(model, comment.login) as MergeRequestNoteSchema["author"],
    type: comment.kind === "review_comment" ? "DiffNote" : null,
  } as Partial<MergeRequestNoteSchema>;
}

function commitJson(oid: string, parents: string[]): CommitSchema {
  const at = "2026-01-02T03:04:05Z";
  return {
    id: oid,
    short_id: oid.slice(0, 8),
    created_at: at,
    parent_ids: parents,
    title: "",
    message: "",
    author_name: "",
    author_email: "",
    authored_date: at,
    committer_name: "",
    committer_email: "",
    committed_date: at,
    web_url: "",
  } as CommitSchema;
}

function page<T>(url: URL, items: readonly T[]): T[] {
  const size = Math.min(Number(url.searchParams.get("per_page") ?? 20), 100);
  const from = (Number(url.searchParams.get("page") ?? 1) - 1) * size;
  return items.slice(from, from + size);
}

function message(status: number, text: string | string[]): Response {
  return Response.json({ message: text }, { status });
}

/** A secret that begins with `whsec_` is a signing token; any other goes along as it is. */
function deliver(event: WebhookEvent, number: number, secret: string): SignedDelivery {
  const project = { id: 7, path_with_namespace: `${OWNER}/shop` };
  const note = {
    object_kind: "note",
    object_attributes: { noteable_type: "MergeRequest" },
    merge_request: { iid: number },
    project,
  };
  const payload = {
    pull_request: { object_kind: "merge_request", object_attributes: { iid: number }, project },
    comment: note,
    review: note,
    push: { object_kind: "push", ref: "refs/heads/main", project },
  }[event];
  const name = {
    pull_request: "Merge Request Hook",
    comment: "Note Hook",
    review: "Note Hook",
    push: "Push Hook",
  }[event];
  const body = new TextEncoder().encode(JSON.stringify(payload));
  const id = randomUUID();
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "x-gitlab-event": name,
    "x-gitlab-event-uuid": id,
    "idempotency-key": id,
  };
  if (!secret.startsWith("whsec_")) return { headers: { ...headers, "x-gitlab-token": secret }, body };
  const time = String(Math.floor(Date.now() / 1_000));
  const key = Buffer.from(secret.slice(6), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${time}.`).update(body).digest("base64");
  return {
    headers: {
      ...headers,
      "webhook-id": id,
      "webhook-timestamp": time,
      "webhook-signature": `v1,${signature}`,
    },
    body,
  };
}
