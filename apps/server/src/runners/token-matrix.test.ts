import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Pool } from "@windshift/contract/api/pool.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { sql } from "kysely";
import type { RouteEntry } from "../http/route-table.ts";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, mintToken, newNonce, type TestHost } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { createItem, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";

/** What a caller may hold. `session` goes as a cookie, all others as a bearer token; `sessionAsBearer` is the cookie's value. */
type Kind = "session" | "sessionAsBearer" | "registration" | "runner" | "agent" | "git" | "person";
/** Whom a route is for. */
type Class = "mcp" | "people" | "peopleAndOwnRun" | "runner" | "llm" | "git" | "page" | "signIn" | "open";

/** Some hundred requests; a loaded machine may take long, ms. */
const MATRIX_MS_MAX = 120_000;

let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
let pool: Pool;
let host: TestHost;
let job: JobSpec;
let tokens: Record<Exclude<Kind, "session">, string>;

beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "MAIN");
  pool = await createPool(admin, { name: "hosts" });
  host = await addHost(server, admin, pool);
  await admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { pool: pool.name });
  await createItem(admin, workspace.key, { assignee_id: workspace.agent.id });
  job = await host.claimed();
  const cookie = admin.cookieHeader();
  tokens = {
    sessionAsBearer: decodeURIComponent(cookie.slice(cookie.indexOf("=") + 1)),
    registration: (await mintToken(admin, pool)).token,
    runner: host.registered.credential,
    agent: job.tokens.agent,
    git: job.tokens.git,
    person: (await admin.post<{ token: string }>("/api/v1/tokens", { name: "matrix", scopes: ["admin"] }))
      .body.token,
  };
}, MATRIX_MS_MAX);
afterAll(() => server.close());

/** What was answered to all these requests. */
const said: string[] = [];
/** Tokens of ours, wherever they stand. */
const TOKEN = /ws(?:rt|rc|t|run|in|pr|cl)_[A-Za-z0-9_-]{20,}/g;

/** Whether a run of this number exists is not told to who has no token of it. */
const NOT_TAKEN = [401, 404];

const bearers = () => Object.entries(tokens) as [Exclude<Kind, "session">, string][];

function classOf({ method, path, access }: RouteEntry): Class {
  if (access === "public") return "open";
  if (access === "runner") return "runner";
  if (access === "person" || access === "session" || access === "self" || access === "instance_admin")
    return "people";
  if ("in" in access) return access.run ? "peopleAndOwnRun" : "people";
  if (path.startsWith("/api/git-proxy/")) return "git";
  if (path.startsWith("/api/llm-proxy/")) return "llm";
  if (path.startsWith("/api/auth/")) return "signIn";
  if (path === "/mcp") return method === "POST" ? "mcp" : "open";
  if (path === "/metrics") return "people";
  return path.startsWith("/api/") ? "people" : "page";
}

function addressOf(path: string): string {
  const values: Record<string, string | number> = {
    key: path.startsWith("/items/") ? (job.env.WINDSHIFT_ITEM_KEY ?? "") : workspace.key,
    item: job.env.WINDSHIFT_ITEM_KEY ?? "",
    connection: workspace.llm.id,
    repository: workspace.repository.id,
    binding: workspace.binding.id,
    user: workspace.agent.id,
    run: job.run_id,
    id: job.run_id,
    pool: pool.id,
  };
  return path
    .replace(/[{:]([a-z_]+)\}?/g, (_, name: string) => String(values[name] ?? 1))
    .replace("*", "none");
}

describe("RT-07 each kind of credential", () => {
  test(
    "opens the addresses it was made for and no others, over every route there is",
    async () => {
      const wrong: string[] = [];
      const tried = new Map<Class, number>();
      for (const entry of server.table.entries) {
        const of = classOf(entry);
        tried.set(of, (tried.get(of) ?? 0) + 1);
        // Anybody may use an open route; what stands behind one handler has tests of its own.
        if (of === "open" || of === "git" || of === "llm" || of === "signIn") continue;
        for (const [kind, token] of bearers()) {
          if (kind === "runner" && of === "runner") continue;
          if (kind === "agent" && of === "peopleAndOwnRun") continue;
          // What a person's token opens is held to its scopes in http/access.test.ts.
          if (kind === "person" && (of === "mcp" || of === "people" || of === "peopleAndOwnRun")) continue;
          const reply = await knock(server.withToken(token), entry);
          // A run is not told whether what it may not see exists; a page sends whoever has no session to sign in.
          const refused =
            of === "page"
              ? reply.status === 302 && reply.headers.get("location")?.startsWith("/login") === true
              : reply.status === 401 || (kind === "agent" && of === "people" && reply.status === 404);
          if (!refused) wrong.push(`${kind} ${entry.method} ${entry.path}: ${reply.status}`);
        }
        if (of === "runner") {
          const reply = await knock(admin, entry);
          if (reply.status !== 401) wrong.push(`session ${entry.method} ${entry.path}: ${reply.status}`);
        }
      }
      expect(wrong).toEqual([]);
      expect(tried.get("people")).toBeGreaterThan(40);
      expect(tried.get("runner")).toBeGreaterThanOrEqual(6);
      expect(tried.get("mcp")).toBe(1);
      expect([tried.get("git"), tried.get("llm")]).toEqual([2, 1]);
    },
    MATRIX_MS_MAX,
  );

  test("opens the brokers only where it is the run's own for that broker", async () => {
    const refs = `${new URL(job.repo.clone_url).pathname}/info/refs?service=git-upload-pack`;
    const model = "/api/llm-proxy/v1/chat/completions";
    const call = { model: "scripted-1", max_tokens: 1, messages: [{ role: "user", content: "hi" }] };
    for (const [kind, token] of bearers()) {
      const basic = `Basic ${btoa(`run:${token}`)}`;
      const git = await server.stranger().get(refs, { authorization: basic });
      expect([kind, git.status]).toBeOneOf(kind === "git" ? [[kind, 200]] : NOT_TAKEN.map((s) => [kind, s]));
      const bare = await server.withToken(token).get(refs);
      expect([kind, bare.status]).toBeOneOf(NOT_TAKEN.map((s) => [kind, s]));
      const asBearer = await server.withToken(token).post(model, call);
      const asKey = await server.stranger().post(model, call, { "x-api-key": token });
      expect([kind, asBearer.status === 401]).toEqual([kind, kind !== "agent"]);
      if (kind !== "agent") expect([kind, asKey.status]).toEqual([kind, 401]);
    }
    expect((await admin.get(refs)).status).toBeOneOf(NOT_TAKEN);
    expect((await admin.post(model, call)).status).toBe(401);
  });

  test("is no session unless it is the cookie of one", async () => {
    for (const [kind, token] of bearers()) {
      const reply = await server.withToken(token).get("/api/v1/me/sessions");
      expect([kind, reply.status]).toBeOneOf([401, 403, 404].map((s) => [kind, s]));
      for (const path of ["get-session", "list-sessions", "list-accounts"]) {
        const closed = await server.withToken(token).get(`/api/auth/${path}`);
        expect([kind, path, closed.status]).toEqual([kind, path, 404]);
      }
    }
    expect((await admin.get("/api/v1/me/sessions")).status).toBe(200);
  });

  test("is not taken from the query, and not for a registration token unless it is one", async () => {
    for (const [kind, token] of bearers()) {
      for (const name of ["token", "access_token", "authorization"]) {
        const reply = await server.stranger().get(`/api/v1/me?${name}=${encodeURIComponent(token)}`);
        expect([kind, name, reply.status]).toEqual([kind, name, 401]);
      }
      if (kind === "registration") continue;
      const wanted = { registration_token: token, name: "thief", nonce: newNonce() };
      const reply = await server.stranger().post("/api/runner/register", wanted);
      expect([kind, reply.status]).toEqual([kind, 400]);
    }
  });

  test("RT-16 stands in no answer, no header, no log line and no table after all that", async () => {
    expect(said.length).toBeGreaterThan(500);
    expect(server.logLines.length).toBeGreaterThan(500);
    const tables = await server.database.kysely.introspection.getTables();
    const rows: string[] = [];
    for (const { name } of tables)
      rows.push(
        JSON.stringify((await sql`select * from ${sql.table(name)}`.execute(server.database.kysely)).rows),
      );
    for (const [where, texts] of Object.entries({ said, log: server.logLines, rows })) {
      const all = texts.join("\n");
      expect([where, all.match(TOKEN) ?? []]).toEqual([where, []]);
      // Without the prefix a token is as good.
      for (const [kind, token] of bearers())
        expect([where, kind, all.includes(token.slice(token.indexOf("_") + 1))]).toEqual([
          where,
          kind,
          false,
        ]);
    }
  });

  test("still opens what it was made for after all that", async () => {
    expect((await admin.get("/api/v1/admin/pools")).status).toBe(200);
    expect((await admin.get("/")).status).toBe(200);
    const item = `/api/v1/items/${job.env.WINDSHIFT_ITEM_KEY}`;
    expect((await server.withToken(tokens.agent).get(item)).status).toBe(200);
    expect((await host.heartbeat([{ run: job.run_id, attempt: job.attempt }])).body.abort).toEqual([]);
    const wanted = { registration_token: tokens.registration, name: "late", nonce: newNonce() };
    expect((await server.stranger().post("/api/runner/register", wanted)).status).toBe(200);
  });
});

/** Bodies are not valid on purpose: who is let in gets 400 and changes nothing. */
async function knock(client: TestClient, { method, path }: RouteEntry) {
  const headers = path.startsWith("/api/") ? {} : { accept: "text/html" };
  const reply = await client.send(method, addressOf(path), '{"nonsense":', headers);
  said.push(reply.text, JSON.stringify([...reply.headers]));
  return reply;
}
