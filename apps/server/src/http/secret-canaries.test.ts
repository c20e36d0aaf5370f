import { afterAll, beforeAll, expect, test } from "bun:test";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Connection, ConnectionWithSecret } from "@windshift/contract/api/connection.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { ForgeServer } from "@windshift/testing/forges/forge-server.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { sql } from "kysely";
import { createLog } from "../log.ts";
import { createForgeWorkspace, type ForgeWorkspace } from "../testing/forge-workspace.ts";
import type { Reply, TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { create } from "../testing/test-workspace.ts";
import { Canaries } from "./canaries.fixture.ts";

/** Every route is called some times, and git runs; a loaded machine may take long. */
const TEST_MS_MAX = 120_000;
const AT = "/api/v1/workspaces/CANARY";
/** No prefix that our log would know for a credential's and take out: what is not there cannot be hidden. */
const madeUp = (name: string) => `${name}${randomBytes(16).toString("hex")}`;
const LLM_KEY = madeUp("llm");
const ANTHROPIC_KEY = madeUp("anthropic");
const GITHUB_TOKEN = madeUp("github");
const APP_KEY = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey.export({
  type: "pkcs1",
  format: "pem",
}) as string;

const canaries = new Canaries();
const log: string[] = [];
/** The headers of every request that the server of the connections got. */
const heard: string[] = [];
let forge: ForgeServer;
let echo: ReturnType<typeof Bun.serve>;
let server: TestServer;
let admin: TestClient;
let workspace: ForgeWorkspace;
let connections: Connection[];
let doneItem: string;
let doneRun: number;
let pull: number;
let live: JobSpec;
let liveItem: string;

beforeAll(async () => {
  canaries.add("LLM key", LLM_KEY);
  canaries.add("Anthropic key", ANTHROPIC_KEY);
  canaries.add("GitHub token", GITHUB_TOKEN);
  for (const line of APP_KEY.split("\n").filter((text) => text.length === 64)) canaries.add("App key", line);
  forge = await startForgejoServer();
  canaries.add("forge token", forge.tokens.full);
  // Whoever is asked says back everything it was told.
  echo = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: echoed });
  server = await startTestServer({ realPasswords: true, log: createLog("debug", (line) => log.push(line)) });
  canaries.add("master key", Buffer.from(server.masterKey.bytes).toString("hex"));
  admin = await server.setUp();
  workspace = await createForgeWorkspace(server, admin, forge, "CANARY");
  canaries.add("webhook secret", workspace.connection.webhook_secret ?? "");
  connections = await connectAll();
  await joinRunner();
  things = await createThings();
  await workARun();
  await admin.send("PUT", `/api/v1/items/${doneItem}/pages/${things.page}`, {});
  await keepPeoplesSecrets();
  liveItem = await workspace.assign("Still at work");
  const job = await workspace.claim(liveItem);
  if (job === undefined) throw new Error("the second run could not be started");
  live = job;
  for (const token of Object.values(live.tokens)) canaries.add("run token", token);
}, TEST_MS_MAX);
afterAll(async () => {
  await workspace?.stop();
  await server?.close();
  await echo?.stop(true);
  await forge?.stop();
}, TEST_MS_MAX);

async function echoed(request: Request): Promise<Response> {
  const said = [...request.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  heard.push(said);
  const path = new URL(request.url).pathname;
  const status = path.includes("/models") ? 403 : path.includes("messages") ? 500 : 401;
  const credential = request.headers.get("authorization") ?? request.headers.get("x-api-key") ?? "";
  const headers = { "x-echo": credential, "www-authenticate": `Basic realm="${credential}"` };
  const error = { message: `${said}\n${await request.text()}` };
  return Response.json({ error, message: said }, { status, headers });
}

/** A connection of every kind and credential, on a server that gives everything back. */
async function connectAll(): Promise<Connection[]> {
  const base_url = `http://127.0.0.1:${echo.port}`;
  const app = { app_id: 12, installation_id: 34, private_key: APP_KEY };
  const list = (await admin.get<{ connections: Connection[] }>(`${AT}/connections`)).body.connections;
  const llm = list.find(({ kind }) => kind === "llm");
  await admin.patch(`/api/v1/connections/${llm?.id}`, { base_url, api_key: LLM_KEY });
  for (const wanted of [
    { kind: "llm", provider: "anthropic", name: "a", api_key: ANTHROPIC_KEY },
    { kind: "git", provider: "github", name: "b", token: GITHUB_TOKEN },
    { kind: "git", provider: "gitlab", name: "c", token: GITHUB_TOKEN },
    { kind: "git", provider: "github", name: "d", app },
  ]) {
    const made = await create<ConnectionWithSecret>(admin, `${AT}/connections`, { ...wanted, base_url });
    if (made.webhook_secret !== undefined) canaries.add("webhook secret", made.webhook_secret);
    expect(made.secret_fingerprint).toMatch(/^[0-9a-f]{8}$/);
  }
  await create(admin, `${AT}/connections`, { kind: "git", name: "here" });
  return (await admin.get<{ connections: Connection[] }>(`${AT}/connections`)).body.connections;
}

/** What beside connections and runs can be read, by the name of its parameter. */
let things: Record<string, string | number>;

async function createThings(): Promise<typeof things> {
  const page = await create<{ id: number }>(admin, `${AT}/pages`, { title: "x" });
  const text = { name: "x", description: "x", body: "x" };
  const skill = await create<{ id: number }>(admin, `${AT}/skills`, text);
  await admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { skill_ids: [skill.id] });
  const login = { client_name: "x" };
  const { user_code } = await create<{ user_code: string }>(server.stranger(), "/api/v1/cli-logins", login);
  const { id: user } = await server.addPerson(admin, "Somebody");
  return { user, page: page.id, version: 1, skill: skill.id, name: text.name, user_code };
}

/** What is shown once to people and lets somebody in. */
async function keepPeoplesSecrets(): Promise<void> {
  const { token } = await create<{ token: string }>(admin, "/api/v1/tokens", { name: "x" });
  canaries.add("API token", token);
  const invitation = await create<{ url: string }>(admin, `${AT}/invitations`, {});
  canaries.add("invitation", invitation.url.slice(invitation.url.lastIndexOf("/") + 1));
  const person = { name: "New", email: "new@example.test" };
  const made = await create<{ password_link: { url: string } }>(admin, "/api/v1/admin/users", person);
  const { url } = made.password_link;
  canaries.add("password link", url.slice(url.lastIndexOf("/") + 1));
  const login = await create<{ poll_secret: string }>(server.stranger(), "/api/v1/cli-logins", {
    client_name: "x",
  });
  canaries.add("poll secret", login.poll_secret);
}

async function workARun(): Promise<void> {
  doneItem = await workspace.assign();
  const job = await workspace.claim(doneItem);
  if (job === undefined) throw new Error("the first run could not be started");
  await callModels(job);
  await workspace.work(job, { "a.txt": "two\n" });
  const run = await workspace.ended(doneItem);
  expect([run.status, run.pull_request?.state]).toEqual(["succeeded", "open"]);
  doneRun = run.id;
  pull = run.pull_request?.id ?? 0;
}

let runnerCredential: string;

/** A runner of a pool, with the token that let it in and the credential it was given; each is shown once. */
async function joinRunner(): Promise<void> {
  const pool = await create<{ id: number }>(admin, "/api/v1/admin/pools", { name: "canary" });
  const at = `/api/v1/admin/pools/${pool.id}/registration-tokens`;
  const { token } = await create<{ token: string }>(admin, at, {});
  const wanted = { registration_token: token, name: "host", nonce: randomBytes(16).toString("hex") };
  const joined = await server.stranger().post<{ credential: string }>("/api/runner/register", wanted);
  expect([joined.status, joined.text]).toEqual([200, expect.stringContaining("wsrc_")]);
  canaries.add("registration token", token);
  runnerCredential = joined.body.credential;
  canaries.add("runner credential", runnerCredential);
}

/** Both routes of the models, streamed and not; the provider refuses and says everything back. */
async function callModels(job: JobSpec): Promise<void> {
  const agent = server.withToken(job.tokens.agent);
  for (const stream of [false, true])
    for (const path of ["chat/completions", "messages"]) {
      const body = {
        model: "scripted-1",
        max_tokens: 5,
        stream,
        messages: [{ role: "user", content: "hi" }],
      };
      const reply = await agent.post(`/api/llm-proxy/v1/${path}`, body);
      expect(reply.status).toBeGreaterThanOrEqual(400);
      look(`model ${path}`, reply);
    }
}

function look(where: string, reply: Reply): void {
  canaries.expectNone(
    where,
    [String(reply.status), JSON.stringify([...reply.headers]), reply.text].join("\n"),
  );
}

const values = (connection: number): Record<string, string | number> => ({
  key: "CANARY",
  item: doneItem,
  connection,
  repository: workspace.repository.id,
  binding: workspace.binding.id,
  pull_request: pull,
  run: doneRun,
  id: doneRun,
  ...things,
  model: "scripted-1",
  kind: "anthropic",
});

/** The addresses of a route: with everything there is, with every connection, and with what there is not. */
function addressesOf(path: string): string[] {
  const fill = (given: Record<string, string | number>) =>
    path.replaceAll(/[{:]([a-z_]+)\}?/g, (_, name: string) => String(given[name] ?? 1)).replace("*", "none");
  const all = connections.map(({ id }) => fill(values(id)));
  const pages = path.startsWith("/items/") ? [`/items/${doneItem}`, `/items/${liveItem}`] : [];
  const ids = path.startsWith("/pull-requests/") ? [`/pull-requests/${pull}`] : [];
  const forConnections = path.includes("/connections/:id")
    ? connections.map(({ id }) => path.replace(":key", "CANARY").replace(":id", String(id)))
    : [];
  return [...new Set([...all, ...pages, ...ids, ...forConnections, fill({ key: "CANARY" })])];
}

test(
  "WB-14 no credential comes back from any route that reads, pages, event streams and exports among them",
  async () => {
    const read = server.table.entries.filter(({ method }) => method === "GET");
    expect(read.length).toBeGreaterThan(40);
    const never: string[] = [];
    for (const { path } of read) {
      let answered = false;
      for (const address of addressesOf(path)) {
        const reply = ENDLESS.includes(path)
          ? await beginningOf(address)
          : await admin.get(address, path.startsWith("/api/") ? {} : { accept: "text/html" });
        look(`GET ${address}`, reply);
        expect([address, reply.status]).not.toEqual([address, 500]);
        answered ||= reply.status === 200;
      }
      if (!answered) never.push(path);
    }
    expect(never.sort()).toEqual(NEVER_ANSWERED);
    look("sessions", await admin.get("/api/v1/me/sessions"));
    for (const address of ["/login", "/setup"]) look(address, await server.stranger().get(address));
    const authorization = `Basic ${btoa(`run:${live.tokens.git}`)}`;
    const refs = `${new URL(live.repo.clone_url).pathname}/info/refs?service=git-upload-pack`;
    const advertised = await server.stranger().get(refs, { authorization });
    expect(advertised.status).toBe(200);
    look("git", advertised);
    const whoami = await server.withToken(runnerCredential).get("/api/runner/whoami");
    expect(whoami.status).toBe(200);
    look("whoami", whoami);
    const stream = await admin.get(`/api/v1/agent-runs/${doneRun}/events/stream`);
    expect(stream.text).toContain("event: end");
  },
  TEST_MS_MAX,
);

/** Streams that go on as long as somebody listens. */
const ENDLESS = ["/api/v1/workspaces/:key/changes/stream", "/api/v1/notifications/stream"];

/** What a stream says first. */
async function beginningOf(address: string): Promise<Reply> {
  const gone = new AbortController();
  const response = await fetch(server.url + address, { headers: admin.headers(), signal: gone.signal });
  const first = await response.body?.getReader().read();
  gone.abort();
  const text = Buffer.from(first?.value ?? []).toString();
  return { status: response.status, headers: response.headers, text, body: undefined };
}

/**
 * Two take addresses of another form and one a runner, and are called by hand; two are of the server's own repositories; no
 * provider is configured, no backup made, no run left a patch; a file of the pages holds what the build put there; /mcp takes POST.
 */
const NEVER_ANSWERED = [
  "/api/auth/*",
  "/api/git-proxy/*",
  "/api/oidc/callback",
  "/api/oidc/start",
  "/api/runner-download/:program/:target",
  "/api/runner/whoami",
  "/api/v1/admin/backups/{backup}/download",
  "/api/v1/agent-runs/:id/patch",
  "/api/v1/pull-requests/{pull_request}/commits",
  "/api/v1/pull-requests/{pull_request}/diff",
  "/assets/*",
  "/mcp",
];

test(
  "WB-14 no credential comes back from a route that writes, whatever is wrong with what it is given",
  async () => {
    const writes = server.table.entries.filter(
      ({ method, path }) => method !== "GET" && !path.startsWith("/api/auth/"),
    );
    expect(writes.length).toBeGreaterThan(30);
    for (const { method, path } of writes)
      for (const address of addressesOf(path)) {
        // The one answer that shows a secret, and what would leave nothing to look at; both have their turn below.
        if (path.endsWith("/webhook-secret") || (method === "DELETE" && /\/(connections|items)\//.test(path)))
          continue;
        // It would be written while the last test reads the data folder.
        if (path === "/api/v1/admin/backups") continue;
        for (const body of BAD_BODIES) look(`${method} ${address}`, await admin.send(method, address, body));
      }
    for (const [where, reply] of await refusedCredentials()) {
      expect([where, reply.status]).toEqual([where, 400]);
      look(where, reply);
    }
  },
  TEST_MS_MAX,
);

/** Neither is taken by a route that needs a body; the others do what they do without one. */
const BAD_BODIES = ['{"nonsense":', "{}"];

/** Credentials in bodies that are refused for something else, or for themselves. */
async function refusedCredentials(): Promise<[string, Reply][]> {
  const replies: [string, Reply][] = [];
  const forgeId = connections.find(({ provider }) => provider === "github")?.id;
  const llmId = connections.find(({ kind }) => kind === "llm")?.id;
  const app = { app_id: 1, installation_id: 2, private_key: APP_KEY };
  for (const [path, body] of [
    [`${AT}/connections`, { kind: "llm", name: "x", base_url: "ftp://x", api_key: LLM_KEY }],
    [
      `${AT}/connections`,
      { kind: "llm", name: "x", base_url: "https://x", api_key: `${LLM_KEY} and a space` },
    ],
    [`${AT}/connections`, { kind: "llm", name: "x", base_url: "https://x", api_key: LLM_KEY.repeat(200) }],
    [`${AT}/connections`, { kind: "llm", name: "x", base_url: `https://u:${LLM_KEY}@x`, api_key: null }],
    [`${AT}/connections`, { kind: "llm", name: "x", base_url: `https://x/?key=${LLM_KEY}`, api_key: null }],
    [`${AT}/connections`, { kind: "git", name: "x", provider: "local", token: GITHUB_TOKEN }],
    [`${AT}/connections`, { kind: "git", name: "x", provider: "gitlab", app }],
    [`${AT}/connections`, { kind: "git", name: "x", provider: GITHUB_TOKEN, token: GITHUB_TOKEN }],
    [
      `${AT}/connections`,
      { kind: "git", name: "x", provider: "github", app: { ...app, private_key: APP_KEY.slice(0, 900) } },
    ],
    [`${AT}/connections`, { kind: "git", name: "x", provider: "github", token: [GITHUB_TOKEN] }],
    [`${AT}/connections`, `{"kind":"git","token":"${GITHUB_TOKEN}"`],
    [`/api/v1/connections/${forgeId}`, { token: GITHUB_TOKEN, app }],
    [`/api/v1/connections/${forgeId}`, { api_key: LLM_KEY }],
    [`/api/v1/connections/${forgeId}`, { token: 7, note: GITHUB_TOKEN }],
    [`/api/v1/connections/${llmId}`, { api_key: `${LLM_KEY}\n` }],
    [`/api/v1/connections/${llmId}`, { base_url: `https://u:${LLM_KEY}@x` }],
    [`/api/v1/connections/${llmId}`, { base_url: "https://elsewhere.example" }],
  ] as const) {
    const method = path.endsWith("connections") ? "POST" : "PATCH";
    replies.push([
      `${method} ${path} ${JSON.stringify(body).slice(0, 60)}`,
      await admin.send(method, path, body),
    ]);
  }
  return replies;
}

test(
  "WB-14 a webhook gives nothing back, and a new webhook secret is shown once",
  async () => {
    const { id, webhook_secret: first = "" } = workspace.connection;
    const send = async (secret: string) => {
      const { headers, body } = forge.webhook("comment", 1, secret);
      const init = { method: "POST", headers, body: Buffer.from(body) };
      const response = await fetch(`${server.url}/api/webhooks/${id}`, init);
      const text = await response.text();
      look("webhook", { status: response.status, headers: response.headers, text, body: undefined });
      return response.status;
    };
    expect(await send(first)).toBe(202);
    expect(await send("not the secret")).toBeGreaterThanOrEqual(400);
    const renewed = await admin.post<{ webhook_secret: string }>(`/api/v1/connections/${id}/webhook-secret`);
    const second = renewed.body.webhook_secret;
    look("webhook-secret", renewed);
    canaries.add("second webhook secret", second);
    // The search does find what is there.
    expect(canaries.in(renewed.text)).toEqual(["second webhook secret"]);
    expect(await send(first)).toBeGreaterThanOrEqual(400);
    expect(await send(second)).toBe(202);
    for (const path of [`${AT}/connections`, `/api/v1/connections/${id}`]) look(path, await admin.get(path));
  },
  TEST_MS_MAX,
);

test("WB-14 no credential is in the log, in any column of any table, or in a file of the data folder", async () => {
  // What the other tests did was logged at every level, refusals of the forges and of models among it.
  expect(log.length).toBeGreaterThan(20);
  canaries.expectNone("log", log.join(""));
  const checked = await server.database.kysely.selectFrom("connections").select("check_problem").execute();
  expect(checked.filter(({ check_problem }) => check_problem !== null).length).toBeGreaterThan(3);
  expect(await searchTables()).toBeGreaterThan(50);
  for (const { id } of connections) look("delete", await admin.delete(`/api/v1/connections/${id}`));
  await searchTables();
  // They all did go out to where they belong.
  expect(canaries.in(heard.join("\n"))).toEqual(["LLM key", "Anthropic key", "GitHub token"]);
  const audited = await server.database.kysely.selectFrom("audit_log").selectAll().execute();
  expect(audited.map(({ action }) => action)).toContain("connection.webhook_secret_changed");
  const dataDir = dirname(server.repositoriesRoot);
  let files = 0;
  for (const entry of readdirSync(dataDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    files++;
    const file = join(entry.parentPath, entry.name);
    canaries.expectNone(file, readFileSync(file, "latin1"));
  }
  expect(files).toBeGreaterThan(0);
});

/** @returns how many rows there are */
async function searchTables(): Promise<number> {
  const db = server.database.kysely;
  let rows = 0;
  for (const { name } of await db.introspection.getTables({ withInternalKyselyTables: true }))
    for (const row of (await sql`select * from ${sql.table(name)}`.execute(db)).rows) {
      rows++;
      canaries.expectNone(`table ${name}`, Object.values(Object(row)).map(String).join("\n"));
    }
  return rows;
}
