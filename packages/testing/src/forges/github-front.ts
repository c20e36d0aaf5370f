import { gitOut } from "../git-repository.ts";
import type { ForgeFaults } from "./forge-faults.ts";
import { askForPassword, gitRepositoryOf, serveGit, tokenOf } from "./git-http.ts";
import type { GithubEmulator } from "./github-emulator.ts";
import type { loadGithubOpenapi } from "./github-openapi.ts";
import { type GithubPermissions, lacksPermission, neededPermissions } from "./github-permissions.ts";
import { invalid, lengthRefusal } from "./github-refusals.ts";
import type { InstallationTokens } from "./installation-tokens.ts";

export interface GithubToken {
  login: string;
  /** Of a classic token; empty for a fine-grained one. */
  scopes: string[];
  /** Of a fine-grained token: what it may do in the repository. */
  permissions?: GithubPermissions;
}

export interface GithubFrontOptions {
  root: string;
  known: ReadonlyMap<string, GithubToken>;
  faults: ForgeFaults;
  openapi: Awaited<ReturnType<typeof loadGithubOpenapi>>;
  owner: string;
  name: string;
  state: { drafts: boolean };
  installationTokens: InstallationTokens;
}

/** What the front needs of the process behind it, which is started later since it has to know the front's address. */
interface Behind {
  emulator: GithubEmulator;
  /** Brings what was pushed into the emulator. */
  sync(): Promise<void>;
}

const API = "/api/v3";

/**
 * What emulate leaves out: git itself, tokens that are wrong or lack a scope, the one open pull request of a branch,
 * repositories of an installation. Everything else is passed on, and all of it compared with GitHub's description.
 */
export function createGithubFront(options: GithubFrontOptions) {
  const { faults, openapi } = options;
  const violations: string[] = [];
  let behind: Behind | undefined;
  // One after the other, so that nobody sees a branch that is half brought over.
  let turn: Promise<void> = Promise.resolve();
  const sync = (b: Behind) => {
    turn = turn.then(() => b.sync());
    return turn;
  };

  // One creation at a time: GitHub looks for another pull request of the branch and makes this one in one step.
  let creations: Promise<unknown> = Promise.resolve();
  const answered = (call: FrontCall, b: Behind): Promise<Response> => {
    if (!isPullCreation(call)) return answer(call, options, b);
    const made = creations.then(() => answer(call, options, b));
    creations = made.catch(() => undefined);
    return made;
  };

  async function api(request: Request, path: string, url: URL): Promise<Response> {
    if (behind === undefined) return message(503, "not ready");
    const text = await request.text();
    await sync(behind);
    const call: FrontCall = { request, path, url, text, token: tokenOf(request) ?? "" };
    const { method } = request;
    const exchange = {
      method,
      path: decodeURIComponent(path),
      query: url.searchParams,
      body: text === "" ? undefined : JSON.parse(text),
    };
    violations.push(...openapi.requestProblems(exchange));
    // Inside, so that the answers of faults are not compared: those are nobody's.
    return faults.around(request, path, async () => {
      const response = await answered(call, behind as Behind);
      const reply = JSON.parse((await response.clone().text()) || "null");
      const problems = openapi.replyProblems({ ...exchange, status: response.status, reply });
      violations.push(...problems.filter(isOurs));
      return response;
    });
  }

  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    error: () => new Response(null, { status: 500 }),
    fetch: async (request) => {
      const url = new URL(request.url);
      const repository = gitRepositoryOf(url.pathname);
      if (repository !== undefined) return git(request, repository, options, behind);
      if (!url.pathname.startsWith(`${API}/`))
        return new Response("<!doctype html>", { headers: { "content-type": "text/html" } });
      return api(request, url.pathname.slice(API.length), url);
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    violations,
    open: (started: Behind) => {
      behind = started;
    },
    stop: () => server.stop(true),
  };
}

/** What emulate 0.11.2 leaves out, or writes as null, of replies; none of it is read by our client. */
const EMULATOR_GAPS = [
  /^apps\/get-authenticated 200: owner:/,
  /^apps\/get-installation 200: (account|target_id):/,
  /^repos\/get 200: (subscribers_count|network_count|pushed_at):/,
  /^repos\/get-collaborator-permission-level 200: user\.role_name:/,
  /^pulls\/list-review-comments 200: \d+\.(line|in_reply_to_id|_links):/,
];

function isOurs(problem: string): boolean {
  return !EMULATOR_GAPS.some((gap) => gap.test(problem));
}

interface FrontCall {
  request: Request;
  path: string;
  url: URL;
  text: string;
  token: string;
}

async function answer(call: FrontCall, options: GithubFrontOptions, behind: Behind): Promise<Response> {
  const { path, token } = call;
  const { installationTokens: issued } = options;
  const held = options.known.get(token);
  const isJwt = token.startsWith("eyJ");
  if (held === undefined && !isJwt && !issued.isGood(token)) return message(401, "Bad credentials");
  const scopes = headersOf(call, held);
  if (held?.permissions !== undefined) {
    if (lacksPermission(call.request.method, path, held.permissions))
      return message(403, "Resource not accessible by personal access token", scopes);
  } else if (held !== undefined && path.startsWith("/repos/") && !held.scopes.includes("repo"))
    return message(404, "Not Found", scopes);
  if (path === "/installation/repositories") return installationRepositories(call, options, behind);
  const refusal = isPullCreation(call) ? await pullRefusal(call, options, behind) : undefined;
  if (refusal !== undefined) return refusal;
  const tooLong = lengthRefusal(call.text);
  if (tooLong !== undefined) return tooLong;
  const response = await forward(call, behind);
  const body = await response.text();
  if (path.endsWith("/access_tokens") && response.ok) {
    const made = JSON.parse(body) as { token: string };
    issued.add(made.token);
    const expires_at = new Date(Date.now() + issued.lifeMs).toISOString();
    return Response.json({ ...made, expires_at }, { status: response.status });
  }
  const headers = new Headers(scopes);
  headers.set("content-type", response.headers.get("content-type") ?? "application/json");
  const link = response.headers.get("link");
  if (link !== null) headers.set("link", link);
  if (response.status === 204) return new Response(null, { status: 204, headers });
  const told = response.ok ? await corrected(call, body, held, options, behind) : body;
  return new Response(told, { status: response.status, headers });
}

/** What the headers say of the token: the scopes of a classic one, and what the call asks of a fine-grained one. */
function headersOf({ request, path }: FrontCall, held: GithubToken | undefined): Record<string, string> {
  if (held === undefined) return {};
  if (held.permissions === undefined)
    return { "x-oauth-scopes": held.scopes.join(", "), "x-accepted-oauth-scopes": "repo" };
  const needed = neededPermissions(request.method, path);
  return { "x-accepted-github-permissions": needed.map(([name, level]) => `${name}=${level}`).join("; ") };
}

function forward({ request, path, url, text }: FrontCall, { emulator }: Behind): Promise<Response> {
  return fetch(`${emulator.url}${path}${url.search}`, {
    method: request.method,
    headers: {
      authorization: request.headers.get("authorization") ?? "",
      "content-type": "application/json",
    },
    ...(text === "" ? {} : { body: text }),
  });
}

/**
 * GitHub names a right by its old words `write` and `read`, and emulate by those of the call that grants it. A repository tells
 * the role of who asks, and an app that it has none; emulate calls everybody its administrator.
 */
async function corrected(
  { path, token }: FrontCall,
  body: string,
  held: GithubToken | undefined,
  { owner, name }: GithubFrontOptions,
  behind: Behind,
): Promise<string> {
  if (/\/collaborators\/[^/]+\/permission$/.test(path)) {
    const right = JSON.parse(body) as { permission: string };
    const permission = { push: "write", pull: "read" }[right.permission] ?? right.permission;
    return JSON.stringify({ ...right, permission });
  }
  if (path !== `/repos/${owner}/${name}`) return body;
  const push = held !== undefined && (await mayPush(behind, token, held.login, `${owner}/${name}`));
  const permissions = { admin: false, maintain: false, push, triage: push, pull: held !== undefined };
  return JSON.stringify({ ...(JSON.parse(body) as object), permissions });
}

function isPullCreation({ request, path }: FrontCall): boolean {
  return request.method === "POST" && path.endsWith("/pulls");
}

/** Pull requests that GitHub refuses and emulate does not. */
async function pullRefusal(
  call: FrontCall,
  options: GithubFrontOptions,
  behind: Behind,
): Promise<Response | undefined> {
  const { head, draft } = JSON.parse(call.text) as { head: string; draft?: boolean };
  if (draft && !options.state.drafts)
    return invalid("Draft pull requests are not supported in this repository.");
  const { owner, name, root } = options;
  const branches = await gitOut(
    ["for-each-ref", "--format=%(refname:short)", "refs/heads"],
    `${root}/${owner}/${name}.git`,
  );
  if (!branches.split("\n").includes(head)) return invalid("head is invalid", "head");
  const query = new URLSearchParams({ state: "open", head: `${owner}:${head}` });
  const open = (await behind.emulator.call(call.token, "GET", `${call.path}?${query}`)) as unknown[];
  return open.length === 0 ? undefined : invalid(`A pull request already exists for ${owner}:${head}.`);
}

async function installationRepositories(
  call: FrontCall,
  { owner, name }: GithubFrontOptions,
  behind: Behind,
): Promise<Response> {
  const repository = await behind.emulator.call(call.token, "GET", `/repos/${owner}/${name}`);
  const first = (call.url.searchParams.get("page") ?? "1") === "1";
  return Response.json({ total_count: 1, repositories: first ? [repository] : [] });
}

async function git(
  request: Request,
  repository: string,
  options: GithubFrontOptions,
  behind: Behind | undefined,
): Promise<Response> {
  const token = tokenOf(request) ?? "";
  const held = options.known.get(token);
  const permissions = held?.permissions;
  if (
    !options.installationTokens.isGood(token) &&
    permissions === undefined &&
    !held?.scopes.includes("repo")
  )
    return askForPassword();
  const at = `${options.owner}/${options.name}`;
  if (repository !== at) return new Response("Not found\n", { status: 404 });
  if (request.url.includes("git-receive-pack")) {
    if (permissions !== undefined && permissions.contents !== "write")
      return new Response("Write access to repository not granted.\n", { status: 403 });
    if (held !== undefined && !(await mayPush(behind, token, held.login, at)))
      return new Response(`Permission to ${at}.git denied to ${held.login}.\n`, { status: 403 });
  }
  return serveGit(request, options.root, held?.login ?? "app");
}

async function mayPush(
  behind: Behind | undefined,
  token: string,
  login: string,
  at: string,
): Promise<boolean> {
  const role = await behind?.emulator.call(token, "GET", `/repos/${at}/collaborators/${login}/permission`);
  return /^(push|maintain|admin)$/.test((role as { permission?: string } | undefined)?.permission ?? "");
}

function message(status: number, text: string, headers: Record<string, string> = {}): Response {
  return Response.json(
    { message: text, documentation_url: "https://docs.github.com/rest", status: String(status) },
    { status, headers },
  );
}
