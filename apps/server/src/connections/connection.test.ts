import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Connection } from "@windshift/contract/api/connection.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { create, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";
import { openLlmSecret } from "./connection.ts";

const AT = "/api/v1/workspaces/CONN/connections";
let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "CONN");
});
afterAll(() => server.close());

const llm = (name: string, more: object = {}) =>
  create<Connection>(admin, AT, {
    kind: "llm",
    name,
    base_url: "https://llm.example",
    api_key: "sk-first-0001",
    ...more,
  });
const workspaceId = async () =>
  (
    await server.database.kysely
      .selectFrom("workspaces")
      .select("id")
      .where("key", "=", "CONN")
      .executeTakeFirstOrThrow()
  ).id;
const opened = async (id: number) =>
  openLlmSecret(server.database.kysely, server.masterKey, id, await workspaceId());

describe("an LLM connection", () => {
  test("gives its key to the broker of its own workspace alone", async () => {
    const { id } = await llm("own", { context_window: 64_000 });
    expect(await opened(id)).toEqual({
      baseUrl: "https://llm.example",
      apiKey: "sk-first-0001",
      contextWindow: 64_000,
    });
    const other = (await workspaceId()) + 1;
    await expect(openLlmSecret(server.database.kysely, server.masterKey, id, other)).rejects.toThrow(
      "does not exist",
    );
  });

  test("WB-11 whose sealed key was copied from another row cannot be opened", async () => {
    const [one, two] = [await llm("one"), await llm("two", { api_key: "sk-second-0002" })];
    const { secret_sealed } = await server.database.kysely
      .selectFrom("connections")
      .select("secret_sealed")
      .where("id", "=", two.id)
      .executeTakeFirstOrThrow();
    await server.database.kysely
      .updateTable("connections")
      .set({ secret_sealed })
      .where("id", "=", one.id)
      .execute();
    await expect(opened(one.id)).rejects.toThrow("was changed, or moved");
    expect((await opened(two.id)).apiKey).toBe("sk-second-0002");
  });

  test("takes an address with or without /v1 and refuses one with anything in it that is not an address", async () => {
    let n = 0;
    const post = (base_url: string) =>
      admin.post<Connection>(AT, { kind: "llm", name: `address ${n++}`, base_url });
    for (const [given, kept] of [
      ["https://api.openai.com/v1", "https://api.openai.com"],
      ["https://api.openai.com/", "https://api.openai.com"],
      ["http://10.0.0.5:8000/openai/v1/", "http://10.0.0.5:8000/openai"],
    ] as const)
      expect((await post(given)).body.base_url).toBe(kept);
    for (const bad of [
      "",
      "api.openai.com",
      "ftp://x",
      "file:///etc/passwd",
      "https://user:pw@x",
      "https://u@x",
      "https://x/?key=1",
      "https://x/#a",
      "https://x/ y",
      "javascript:alert(1)",
    ])
      expect([bad, (await post(bad)).status]).toEqual([bad, 400]);
  });

  test("never sends a stored key to a new address", async () => {
    const { id } = await llm("moving");
    const moved = await admin.patch<{ error: { details: { path: string }[] } }>(`/api/v1/connections/${id}`, {
      base_url: "https://evil.example",
    });
    expect([moved.status, moved.body.error.details[0]?.path]).toEqual([400, "api_key"]);
    expect((await opened(id)).baseUrl).toBe("https://llm.example");
    await admin.patch(`/api/v1/connections/${id}`, {
      base_url: "https://new.example",
      api_key: "sk-new-0003",
    });
    expect(await opened(id)).toMatchObject({ baseUrl: "https://new.example", apiKey: "sk-new-0003" });
    await admin.patch(`/api/v1/connections/${id}`, { api_key: null });
    expect((await opened(id)).apiKey).toBeUndefined();
  });

  test("shows another fingerprint for another key and the same for the same", async () => {
    const prints = [await llm("p1"), await llm("p2"), await llm("p3", { api_key: "sk-third-0003" })].map(
      (c) => c.secret_fingerprint,
    );
    expect(prints[0]).toBe(prints[1] ?? "none");
    expect(prints[2]).not.toBe(prints[0] ?? "none");
  });

  test("is deleted only when nothing uses it", async () => {
    const used = await admin.delete<{ error: { message: string } }>(
      `/api/v1/connections/${workspace.llm.id}`,
    );
    expect([used.status, used.body.error.message]).toEqual([
      409,
      expect.stringContaining(`binding ${workspace.binding.id}`),
    ]);
    const { id } = await llm("unused");
    expect((await admin.delete(`/api/v1/connections/${id}`)).status).toBe(204);
    expect((await admin.get(`/api/v1/connections/${id}`)).status).toBe(404);
  });

  test("has a name of its own in the workspace", async () => {
    const { id } = await llm("taken");
    expect((await admin.post(AT, { kind: "llm", name: "taken", base_url: "https://x.example" })).status).toBe(
      409,
    );
    const { id: other } = await llm("free");
    expect((await admin.patch(`/api/v1/connections/${other}`, { name: "taken" })).status).toBe(409);
    expect((await admin.patch(`/api/v1/connections/${id}`, { name: "taken" })).status).toBe(200);
  });
});

test("what admins do to connections is in the audit log, without keys", async () => {
  const { id } = await llm("audited");
  await admin.delete(`/api/v1/connections/${id}`);
  const rows = await server.database.kysely
    .selectFrom("audit_log")
    .selectAll()
    .where("subject", "=", `connection ${id}`)
    .orderBy("id")
    .execute();
  expect(rows.map((row) => row.action)).toEqual(["connection.created", "connection.deleted"]);
  expect(JSON.stringify(rows)).not.toContain("sk-first");
});
