import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { ApiToken, ApiTokenWithSecret, TokenScope } from "@windshift/contract/api/token.ts";
import { hashToken } from "@windshift/contract/tokens.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { create } from "../testing/test-workspace.ts";

// Hashes of passwords take long on a loaded machine.
setDefaultTimeout(60_000);

let server: TestServer;
let admin: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  await create(admin, "/api/v1/workspaces", { key: "TEAM", name: "Team" });
});
afterAll(() => server.close());

const mint = (client: TestClient, scopes: TokenScope[], name = "test") =>
  create<ApiTokenWithSecret>(client, "/api/v1/tokens", { name, scopes });
const tokensOf = async (client: TestClient) =>
  (await client.get<{ tokens: ApiToken[] }>("/api/v1/tokens")).body.tokens;

describe("WB-26 an API token", () => {
  test("is shown once, kept as a hash, and listed with what it may do", async () => {
    const made = await mint(admin, ["read", "write"], "laptop");
    expect(made.token).toMatch(/^wst_[A-Za-z0-9_-]{43}$/);
    const listed = await admin.get("/api/v1/tokens");
    expect(listed.text).not.toContain(made.token);
    expect((await tokensOf(admin))[0]).toMatchObject({
      id: made.id,
      name: "laptop",
      scopes: ["read", "write"],
      last_used_at: null,
      current: false,
    });
    const row = await server.database.kysely
      .selectFrom("api_tokens")
      .selectAll()
      .where("id", "=", made.id)
      .executeTakeFirstOrThrow();
    expect(row.token_hash).toBe(hashToken(made.token));
    expect(JSON.stringify(row)).not.toContain(made.token.slice(4));
    const audit = await server.database.kysely.selectFrom("audit_log").selectAll().execute();
    expect(audit.map((line) => `${line.action} ${line.subject}`)).toContain(`token.created token ${made.id}`);
    expect(JSON.stringify(audit)).not.toContain(made.token.slice(4));
  });

  test("speaks for its owner, needs no origin, and says when it was used", async () => {
    const { id, token } = await mint(admin, ["write"]);
    const client = server.withToken(token);
    const me = await client.get("/api/v1/me", { origin: "" });
    expect(me.body).toMatchObject({
      name: "Ada",
      admin: true,
      auth: { kind: "token", id, name: "test", scopes: ["write"] },
    });
    const item = await client.send(
      "POST",
      "/api/v1/workspaces/TEAM/items",
      { title: "By token" },
      { origin: "" },
    );
    expect(item.status).toBe(201);
    const used = (await tokensOf(admin)).find((row) => row.id === id);
    expect(Date.parse(used?.last_used_at ?? "")).toBeGreaterThan(Date.now() - 60_000);
  });

  test("does what its scope says and no more, whatever its owner may", async () => {
    const [read, write, all] = await Promise.all(
      (["read", "write", "admin"] as const).map(async (s) =>
        server.withToken((await mint(admin, [s])).token),
      ),
    );
    if (!read || !write || !all) throw new Error("three tokens were made");
    const statuses = (call: (client: TestClient) => Promise<{ status: number }>) =>
      Promise.all([read, write, all].map(async (client) => (await call(client)).status));
    const at = "/api/v1/workspaces/TEAM";
    expect(await statuses((c) => c.get(`${at}/items`))).toEqual([200, 200, 200]);
    expect(await statuses((c) => c.post(`${at}/items`, { title: "x" }))).toEqual([403, 201, 201]);
    expect(await statuses((c) => c.get(`${at}/connections`))).toEqual([403, 403, 200]);
    expect(await statuses((c) => c.post(`${at}/agents`, { name: "Robin" }))).toEqual([403, 403, 201]);
    expect(await statuses((c) => c.get("/api/v1/admin/users"))).toEqual([403, 403, 200]);
  });

  test("makes no token, approves no sign-in, and ends itself but no other", async () => {
    const other = await mint(admin, ["read"]);
    const { id, token } = await mint(admin, ["admin"]);
    const client = server.withToken(token);
    expect((await client.post("/api/v1/tokens", { name: "more", scopes: ["admin"] })).status).toBe(403);
    expect((await client.get("/api/v1/cli-logins/BCDF-GHJK")).status).toBe(403);
    expect((await client.delete(`/api/v1/tokens/${other.id}`)).status).toBe(403);
    expect((await client.delete(`/api/v1/tokens/${id}`)).status).toBe(204);
    expect((await client.get("/api/v1/me")).status).toBe(401);
    expect((await server.withToken(other.token).get("/api/v1/me")).status).toBe(200);
  });

  test("ends itself whatever its scopes are", async () => {
    const [one, two] = [await mint(admin, ["read"]), await mint(admin, ["read"])];
    const client = server.withToken(one.token);
    expect((await client.delete(`/api/v1/tokens/${two.id}`)).status).toBe(403);
    expect((await client.delete(`/api/v1/tokens/${one.id}`)).status).toBe(204);
    expect((await client.get("/api/v1/me")).status).toBe(401);
  });

  test("ends when it is deleted, by nobody but its owner", async () => {
    const { client: bob } = await server.addPerson(admin, "Bob");
    const { id, token } = await mint(bob, ["read"]);
    expect((await admin.delete(`/api/v1/tokens/${id}`)).status).toBe(404);
    expect((await server.withToken(token).get("/api/v1/me")).status).toBe(200);
    expect((await bob.delete(`/api/v1/tokens/${id}`)).status).toBe(204);
    expect((await server.withToken(token).get("/api/v1/me")).status).toBe(401);
    expect((await bob.delete(`/api/v1/tokens/${id}`)).status).toBe(404);
  });

  test("ends when its time is over", async () => {
    const { id, token } = await mint(admin, ["read"]);
    await server.database.kysely
      .updateTable("api_tokens")
      .set({ expires_at_ms: Date.now() - 1_000 })
      .where("id", "=", id)
      .execute();
    expect((await server.withToken(token).get("/api/v1/me")).status).toBe(401);
    expect((await tokensOf(admin)).map((row) => row.id)).not.toContain(id);
  });

  test("ends with the right of its owner to the workspace, and with the owner's account", async () => {
    const { id, client: eve } = await server.addPerson(admin, "Eve");
    await admin.post("/api/v1/workspaces/TEAM/members", { user_id: id, role: "admin" });
    const client = server.withToken((await mint(eve, ["admin"])).token);
    expect((await client.get("/api/v1/workspaces/TEAM/connections")).status).toBe(200);
    await admin.post("/api/v1/workspaces/TEAM/members", { user_id: id, role: "viewer" });
    expect((await client.get("/api/v1/workspaces/TEAM/connections")).status).toBe(403);
    await server.database.kysely
      .updateTable("user")
      .set({ disabled_at_ms: Date.now() })
      .where("id", "=", id)
      .execute();
    expect((await client.get("/api/v1/me")).status).toBe(401);
  });

  test("is refused beside a session that would do, and when a name or a time makes no sense", async () => {
    expect((await admin.get("/api/v1/me", { authorization: `Bearer wst_${"x".repeat(43)}` })).status).toBe(
      401,
    );
    for (const body of [
      { name: "", scopes: ["read"] },
      { name: "x", scopes: [] },
      { name: "x", scopes: ["root"] },
      { name: "x", scopes: ["read"], expires_in_days: 367 },
      { name: "x", scopes: ["read"], user_id: "other" },
    ])
      expect((await admin.post("/api/v1/tokens", body)).status).toBe(400);
  });
});
