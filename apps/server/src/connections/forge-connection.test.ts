import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import type { Connection, ConnectionWithSecret } from "@windshift/contract/api/connection.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { create } from "../testing/test-workspace.ts";
import { openSecret, openWebhookSecret } from "./connection-secret.ts";
import { getConnectionRow } from "./connection-store.ts";

const AT = "/api/v1/workspaces/FORGES/connections";
const TOKEN = "ghp_secretsecretsecret01";
let server: TestServer;
let admin: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  await create(admin, "/api/v1/workspaces", { key: "FORGES", name: "Forges" });
});
afterAll(() => server.close());

const pem = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey.export({
  type: "pkcs1",
  format: "pem",
}) as string;
const github = (name: string, more: object = { token: TOKEN }) =>
  create<ConnectionWithSecret>(admin, AT, { kind: "git", provider: "github", name, ...more });
const row = (id: number) => getConnectionRow(server.database.kysely, id);

describe("a connection to a forge", () => {
  test("WB-14 shows its webhook secret once and its credential never", async () => {
    const made = await github("once");
    expect(made).toMatchObject({
      provider: "github",
      base_url: "https://github.com",
      webhook_url: `${server.url}/api/webhooks/${made.id}`,
      app: null,
    });
    expect(made.webhook_secret?.length).toBeGreaterThan(40);
    expect(openWebhookSecret(server.masterKey, await row(made.id))).toBe(made.webhook_secret ?? "");
    for (const path of [AT, `/api/v1/connections/${made.id}`]) {
      const { text } = await admin.get(path);
      expect(text).not.toContain(TOKEN);
      expect(text).not.toContain(made.webhook_secret ?? "none");
    }
    const stored = JSON.stringify(await row(made.id));
    expect(stored).not.toContain(TOKEN);
    expect(stored).not.toContain(made.webhook_secret ?? "none");
  });

  test("keeps the whole path of a new address; that of models is cut to its root", async () => {
    const { id } = await github("path");
    const address = { base_url: "https://git.example/api/v1", token: "ghp_other0000000000000" };
    const moved = await admin.patch<Connection>(`/api/v1/connections/${id}`, address);
    expect(moved.body.base_url).toBe("https://git.example/api/v1");
    const llm = await create<Connection>(admin, AT, {
      kind: "llm",
      name: "p",
      base_url: "https://a.example",
    });
    const patch = { base_url: "https://b.example/v1/" };
    const cut = await admin.patch<Connection>(`/api/v1/connections/${llm.id}`, patch);
    expect(cut.body.base_url).toBe("https://b.example");
  });

  test("with a GitHub App keeps the key sealed and shows the ids", async () => {
    const made = await github("app", { app: { app_id: 12, installation_id: 34, private_key: pem } });
    expect(made.app).toEqual({ app_id: 12, installation_id: 34 });
    expect(JSON.stringify(await row(made.id))).not.toContain(pem.slice(40, 80));
    expect(openSecret(server.masterKey, await row(made.id))).toEqual({
      kind: "app",
      app_id: 12,
      installation_id: 34,
      private_key: pem,
    });
    const patched = await admin.patch<Connection>(`/api/v1/connections/${made.id}`, { token: TOKEN });
    expect(patched.body.app).toBeNull();
    expect(openSecret(server.masterKey, await row(made.id))).toEqual({ kind: "key", key: TOKEN });
  });

  test("never sends a stored credential to a new address", async () => {
    const { id } = await github("moving");
    const moved = await admin.patch<{ error: { details: { path: string }[] } }>(`/api/v1/connections/${id}`, {
      base_url: "https://evil.example",
    });
    expect([moved.status, moved.body.error.details[0]?.path]).toEqual([400, "token"]);
    const both = { base_url: "https://ghe.example", token: "ghp_other0000000000000" };
    expect((await admin.patch<Connection>(`/api/v1/connections/${id}`, both)).body.base_url).toBe(
      "https://ghe.example",
    );
  });

  test("gets a new webhook secret on request, and only one to a forge does", async () => {
    const made = await github("renewed");
    const at = `/api/v1/connections/${made.id}/webhook-secret`;
    const { body } = await admin.post<{ webhook_secret: string }>(at);
    expect(body.webhook_secret).not.toBe(made.webhook_secret ?? "");
    expect(openWebhookSecret(server.masterKey, await row(made.id))).toBe(body.webhook_secret);
    const local = await create<Connection>(admin, AT, { kind: "git", name: "here" });
    expect((await admin.post(`/api/v1/connections/${local.id}/webhook-secret`)).status).toBe(409);
    expect((await admin.get(`/api/v1/connections/${local.id}/repositories`)).body).toEqual({
      repositories: [],
      next_page: null,
    });
  });

  test("is refused with the field that is wrong", async () => {
    for (const [field, wanted] of [
      ["token", { provider: "github" }],
      [
        "token",
        { provider: "github", token: TOKEN, app: { app_id: 1, installation_id: 2, private_key: pem } },
      ],
      ["app", { provider: "gitlab", app: { app_id: 1, installation_id: 2, private_key: pem } }],
      ["app.private_key", { provider: "github", app: { app_id: 1, installation_id: 2, private_key: "x" } }],
      ["base_url", { provider: "forgejo", token: TOKEN }],
      ["base_url", { provider: "github", token: TOKEN, base_url: "ftp://x.example" }],
      ["base_url", { provider: "github", token: TOKEN, base_url: "https://u:p@x.example" }],
      ["token", { provider: "local", token: TOKEN }],
      ["provider", { provider: "svn", token: TOKEN }],
    ] as const) {
      const reply = await admin.post<{ error: { details: { path: string }[] } }>(AT, {
        kind: "git",
        name: "bad",
        ...wanted,
      });
      expect([reply.status, reply.body.error.details.map((d) => d.path)]).toEqual([
        400,
        expect.arrayContaining([field]),
      ]);
    }
  });
});

test("the key of a model provider is tried on its list of models", async () => {
  using provider = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) =>
      new Response("{}", { status: request.headers.get("authorization") === "Bearer sk-good" ? 200 : 401 }),
  });
  const base_url = `http://127.0.0.1:${provider.port}`;
  const { id } = await create<Connection>(admin, AT, { kind: "llm", name: "m", base_url, api_key: "sk-bad" });
  const at = `/api/v1/connections/${id}`;
  expect((await admin.post(`${at}/check`)).body).toEqual({
    ok: false,
    message: `127.0.0.1:${provider.port} refuses the key; give another one.`,
  });
  expect((await admin.get<Connection>(at)).body.check_problem).toContain("refuses the key");
  await admin.patch(at, { api_key: "sk-good" });
  expect((await admin.get<Connection>(at)).body).toMatchObject({ checked_at: null, check_problem: null });
  expect((await admin.post<{ ok: boolean }>(`${at}/check`)).body.ok).toBe(true);
  provider.stop(true);
  expect((await admin.post<{ ok: boolean }>(`${at}/check`)).body.ok).toBe(false);
});
