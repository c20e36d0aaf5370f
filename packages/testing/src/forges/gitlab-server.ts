import type { BranchSchema } from "@gitbeaker/core";
import { gitOut } from "../git-repository.ts";
import { createForgeFaults } from "./forge-faults.ts";
import {
  AGENT,
  createForgeModel,
  type ForgeModel,
  listNew,
  type ModelPull,
  type ModelRepository,
  OTHER_REPOSITORIES,
  PEOPLE,
  readOid,
  type Token,
} from "./forge-model.ts";
import { pageOf } from "./forge-pages.ts";
import { addComment, addReview, type ForgeCall, findPull, startForge } from "./forge-process.ts";
import type { ForgeServer } from "./forge-server.ts";
import { signGitlabDelivery } from "./gitlab-deliveries.ts";
import {
  commitJson,
  LEVELS,
  noteJson,
  projectJson,
  requestJson,
  tokenJson,
  userJson,
} from "./gitlab-json.ts";

const OWNER = "acme/web";
/** Text of a note and of a merge request, characters. Source: GitLab's API documentation. */
const NOTE_CHARS_MAX = 1_000_000;
const DESCRIPTION_CHARS_MAX = 1_048_576;

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
  const weak = "glpat-weak00000000000000";
  // Of a project, whose own account is a Reporter: the token has all scopes, and its role is less.
  model.tokens.set(weak, { login: PEOPLE.reader, scopes: ["api", "write_repository"], state: "good" });
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
    weakTokens: [{ token: weak, grant: "its role is Reporter. Give it at least the role Developer" }],
    otherRepositories: OTHER_REPOSITORIES,
    setAgentAccess: async (access) => void repository.access.set(AGENT, access),
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
    reopen: async (number) => {
      findPull(repository, number).state = "open";
    },
    merge: (number) => model.merge(findPull(repository, number)),
    webhook: signGitlabDelivery,
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

function listProjects(
  { url }: ForgeCall,
  visible: readonly ModelRepository[],
  login: string,
): Promise<Response> {
  const search = (url.searchParams.get("search") ?? "").toLowerCase();
  const found = visible.filter((r) => `${r.owner}/${r.name}`.includes(search));
  return listed(url, found, (r) => projectJson(r, login, url.origin));
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
  if (call.method === "POST") {
    const text = String(call.body.body);
    if (text.length > NOTE_CHARS_MAX)
      return message(400, `Note {:note=>["is too long (maximum is ${NOTE_CHARS_MAX} characters)"]}`);
    return Response.json(noteJson(model, pull, addComment(pull, login, text)), { status: 201 });
  }
  return listed(call.url, pull.comments.toReversed(), (c) => noteJson(model, pull, c));
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
  return listed(url, all, ({ oid, parents }) => commitJson(oid, parents));
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
  return listed(call.url, found, (p) => requestJson(model, p, call.url.origin));
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
  if ((description ?? "").length > DESCRIPTION_CHARS_MAX)
    return message(422, [`Description is too long (maximum is ${DESCRIPTION_CHARS_MAX} characters)`]);
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

/** Answers with one page. */
async function listed<T>(url: URL, all: readonly T[], json: (one: T) => unknown): Promise<Response> {
  const { items, headers } = pageOf(url, all, { sizeName: "per_page", sizeDefault: 20, sizeMax: 100 });
  return Response.json(await Promise.all(items.map(json)), { headers });
}

function message(status: number, text: string | string[]): Response {
  return Response.json({ message: text }, { status });
}
