import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { API_BODY_BYTES_MAX } from "@windshift/contract/limits.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import type { Access } from "./access.ts";
import { CALLERS, type Caller, createMatrixScene, type MatrixScene } from "./access-matrix.fixture.ts";
import type { RouteEntry } from "./route-table.ts";

/** Some thousand requests; a loaded machine may take long, ms. */
const MATRIX_MS_MAX = 240_000;

let server: TestServer;
let scene: MatrixScene;
let entries: RouteEntry[];
beforeAll(async () => {
  server = await startTestServer();
  entries = server.table.entries;
  scene = await createMatrixScene(server);
}, MATRIX_MS_MAX);
afterAll(() => server.close());

/** What the workspace MAIN and the installation are to each caller. */
const RANK: Partial<Record<Caller, number>> = {
  viewer: 0,
  viewerAdministrates: 0,
  member: 1,
  admin: 2,
  adminReads: 2,
  adminWrites: 2,
  adminAdministrates: 2,
};
const INSTANCE = new Set<Caller>(["instanceAdmin", "instanceReads", "instanceAdministrates"]);
/** Rank of the scope of callers that are API tokens: read, write, admin. */
const SCOPE: Partial<Record<Caller, number>> = {
  adminReads: 0,
  adminWrites: 1,
  adminAdministrates: 2,
  viewerAdministrates: 2,
  instanceReads: 0,
  instanceAdministrates: 2,
};

const BROKEN = '{"nonsense":';
const OVERLONG = " ".repeat(API_BODY_BYTES_MAX + 1);

type Expected = "let in" | 401 | 403 | 404;

/** What a caller is answered, from what the route says of itself; written apart from the code that decides. */
function expectation({ access, method }: RouteEntry, caller: Caller): Expected {
  if (access === "public" || (typeof access === "object" && "handler" in access)) return "let in";
  if (access === "runner") return caller === "runner" ? "let in" : 401;
  if (["anonymous", "badToken", "runner"].includes(caller)) return 401;
  if (caller === "ownRun") return typeof access === "object" && access.run !== undefined ? "let in" : 404;
  if (caller === "otherRun") return 404;
  const asOwner = personExpectation(access, caller);
  const scope = SCOPE[caller];
  if (asOwner !== "let in" || scope === undefined) return asOwner;
  if (access === "session") return 403;
  if (access === "self") return "let in";
  const administrates =
    access === "instance_admin" || (typeof access === "object" && access.role === "admin");
  const needed = administrates ? 2 : method === "GET" ? 0 : 1;
  return scope >= needed ? "let in" : 403;
}

function personExpectation(access: Exclude<Access, { handler: string }>, caller: Caller): Expected {
  if (access === "person" || access === "session" || access === "self") return "let in";
  if (access === "instance_admin") return INSTANCE.has(caller) ? "let in" : 403;
  if (typeof access !== "object") throw new Error(`the matrix does not know the access ${access}`);
  const rank = RANK[caller];
  // Who is in another workspace, or administrates the installation, is told that there is none.
  if (rank === undefined) return 404;
  return rank >= ["viewer", "member", "admin"].indexOf(access.role) ? "let in" : 403;
}

/** Answers of GET routes to who is let in that are not 200, each with its reason. */
const NOT_200: Record<string, [status: number, why: string]> = {
  "/api/v1/agent-runs/:id/patch": [404, "the live run has brought none"],
  "/api/v1/admin/backups/{backup}/download": [404, "none was made"],
};
/** What is outside of the API: pages, brokers and what checks a credential of its own. Each has tests of its own. */
const ELSEWHERE = new Set([
  ...["/healthz", "/readyz", "/metrics", "/api/version", "/api/openapi.json", "/api/auth/*", "/mcp"],
  ...["/api/oidc/start", "/api/oidc/callback", "/api/git-proxy/*", "/api/llm-proxy/*"],
  ...["/api/webhooks/:connection", "/api/runner-install.sh", "/api/runner-download/:program/:target"],
  ...["/", "/assets/*", "/inbox", "/account", "/login", "/setup", "/w/*", "/items/*", "/pull-requests/*"],
  ...["/admin/*", "/cli/*", "/invite/*", "/reset/*", "/workspaces/*"],
  ...["/w/:workspace/settings/*", "/w/:workspace/setup"],
]);

describe("WB-01 the matrix of all routes and all callers", () => {
  test("has every route there is", () => {
    const known = (path: string) => /^\/api\/(v1|runner)\//.test(path) || ELSEWHERE.has(path);
    expect(entries.filter(({ path }) => !known(path)).map(({ path }) => path)).toEqual([]);
    expect(entries.filter(({ path }) => path.startsWith("/api/v1/")).length).toBeGreaterThan(120);
  });

  test("has something real for every parameter", () => {
    for (const { path } of routes()) scene.fill(path);
  });

  for (const caller of CALLERS)
    test(
      `answers ${caller} as each route declares`,
      async () => {
        const bodies = await bodyRoutes();
        const wrong: string[] = [];
        for (const entry of routes()) {
          const expected = expectation(entry, caller);
          const reads = entry.method === "GET";
          // Who is let in changes nothing: a body that is read is broken, and one that nobody reads is over the limit, which
          // is looked at behind the gate and before the handler.
          const unread = !reads && !bodies.has(`${entry.method} ${entry.path}`);
          const status = await knock(entry, caller, unread ? OVERLONG : BROKEN);
          const [read] = NOT_200[entry.path] ?? [200];
          const right = expected === "let in" ? (reads ? read : unread ? 413 : 400) : expected;
          if (status !== right) wrong.push(`${entry.method} ${entry.path}: ${status}, expected ${right}`);
        }
        expect(wrong).toEqual([]);
      },
      MATRIX_MS_MAX,
    );
});

function routes(): RouteEntry[] {
  return entries.filter(({ path }) => /^\/api\/(v1|runner)\//.test(path));
}

/** The status alone: a stream is left as soon as it is open. */
async function knock({ method, path }: RouteEntry, caller: Caller, body: string): Promise<number> {
  const client = scene.callers[caller];
  if (!path.endsWith("/stream")) return (await client.send(method, scene.fill(path), body)).status;
  const gone = new AbortController();
  const response = await fetch(server.url + scene.fill(path), {
    headers: client.headers(),
    signal: gone.signal,
  });
  gone.abort();
  return response.status;
}

/** Routes whose body is checked, as `METHOD path`. */
async function bodyRoutes(): Promise<Set<string>> {
  const document = server.table.hono.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: "", version: "" },
  });
  const found = new Set<string>();
  for (const [path, operations] of Object.entries(document.paths ?? {}))
    for (const method of ["post", "put", "patch", "delete"] as const)
      if (operations[method]?.requestBody !== undefined) found.add(`${method.toUpperCase()} ${path}`);
  return found;
}
