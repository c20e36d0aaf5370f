import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Pool } from "@windshift/contract/api/pool.ts";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, mintToken, newNonce, TestHost } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { createItem, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";
import { raiseEpoch } from "./registration-epoch.ts";

/** A loaded machine may take long, ms. */
const TEST_MS_MAX = 60_000;

let server: TestServer;
let admin: TestClient;
let adminId: string;
let workspace: TestWorkspace;
let pool: Pool;

beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  adminId = (await admin.get<{ id: string }>("/api/v1/me")).body.id;
  workspace = await createTestWorkspace(admin, "AUDIT");
  pool = await createPool(admin, { name: "hosts" });
  await admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { pool: pool.name });
}, TEST_MS_MAX);
afterAll(() => server.close());

async function rowsOf(subject: string) {
  const rows = await server.database.kysely
    .selectFrom("audit_log")
    .selectAll()
    .where("subject", "=", subject)
    .orderBy("id")
    .execute();
  return rows.map(({ action, actor, workspace_id, data }) => ({
    action,
    actor,
    workspace_id,
    data: JSON.parse(data) as Record<string, unknown>,
  }));
}

async function idOf({ registered }: TestHost): Promise<number> {
  const row = await server.database.kysely
    .selectFrom("runners")
    .select("id")
    .where("instance", "=", registered.instance_id)
    .executeTakeFirstOrThrow();
  return row.id;
}

describe("RT-19 the audit log", () => {
  test("says who made, used and revoked a registration token, from where, without the token", async () => {
    const made = await mintToken(admin, pool);
    const wanted = { registration_token: made.token, name: "host-7", nonce: newNonce() };
    expect((await server.stranger().post("/api/runner/register", wanted)).status).toBe(200);
    await admin.delete(`/api/v1/admin/pools/${pool.id}/registration-tokens/${made.id}`);
    const rows = await rowsOf(`registration token ${made.id}`);
    expect(rows.map(({ action, actor }) => [action, actor])).toEqual([
      ["registration_token.created", `user ${adminId}`],
      ["runner.registered", "system"],
      ["registration_token.revoked", `user ${adminId}`],
    ]);
    for (const { data } of rows) expect(data).toMatchObject({ pool: pool.id, ip: "127.0.0.1" });
    expect(rows[1]?.data).toMatchObject({ name: "host-7", runner: expect.any(Number) });
    expect(JSON.stringify(rows)).not.toMatch(/ws(rt|rc)_/);
  });

  test("says what a runner did and what was done to it", async () => {
    const host = await addHost(server, admin, pool);
    const id = await idOf(host);
    await host.heartbeat();
    const { credential } = (await host.client.post<{ credential: string }>("/api/runner/credential")).body;
    const { run_id, attempt } = await (async () => {
      await createItem(admin, workspace.key, { assignee_id: workspace.agent.id });
      return host.claimed();
    })();
    await new TestHost(server, { ...host.registered, credential }).heartbeat();
    expect((await host.heartbeat()).status).toBe(409);
    for (const act of ["drain", "resume", "clear-alert", "revoke", "revoke"])
      expect((await admin.post(`/api/v1/admin/runners/${id}/${act}`)).status).toBe(200);
    const rows = await rowsOf(`runner ${id}`);
    expect(rows.map(({ action, actor }) => [action, actor])).toEqual([
      ["runner.credential_rotated", `runner ${id}`],
      ["runner.superseded", "system"],
      ["runner.drain_asked", `user ${adminId}`],
      ["runner.drain_ended", `user ${adminId}`],
      ["runner.alert_cleared", `user ${adminId}`],
      ["runner.revoked", `user ${adminId}`],
    ]);
    for (const { data } of rows) expect(data.ip).toBe("127.0.0.1");
    const claims = await rowsOf(`run ${run_id}`);
    expect(claims).toEqual([
      {
        action: "run.claimed",
        actor: `runner ${id}`,
        workspace_id: expect.any(Number),
        data: { attempt, name: "host", ip: "127.0.0.1" },
      },
    ]);
    expect(JSON.stringify([rows, claims])).not.toMatch(/ws(rt|rc|run)_/);
  });

  test("says who made, changed and deleted a pool, and that registrations were voided", async () => {
    const made = await createPool(admin, { name: "short-lived" });
    await admin.patch(`/api/v1/admin/pools/${made.id}`, { max_running: 3 });
    await admin.delete(`/api/v1/admin/pools/${made.id}`);
    const rows = await rowsOf(`pool ${made.id}`);
    expect(rows.map(({ action, actor, data }) => [action, actor, data.ip])).toEqual(
      ["pool.created", "pool.changed", "pool.deleted"].map((action) => [
        action,
        `user ${adminId}`,
        "127.0.0.1",
      ]),
    );
    const epoch = await server.database.transaction(raiseEpoch);
    expect((await rowsOf(`epoch ${epoch}`)).map(({ action }) => action)).toEqual([
      "registration_tokens.voided",
    ]);
  });
});
