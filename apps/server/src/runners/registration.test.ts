import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Pool } from "@windshift/contract/api/pool.ts";
import type { RegisterReply } from "@windshift/contract/runner.ts";
import { sql } from "kysely";
import { dbNowMs } from "../db/database.ts";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, type ErrorReply, mintToken, newNonce, TestHost } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { registerHost } from "./registration.ts";
import { raiseEpoch } from "./registration-epoch.ts";

let server: TestServer;
let admin: TestClient;
let pool: Pool;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  pool = await createPool(admin, { name: "hosts", labels: ["linux"] });
});
afterAll(() => server.close());

const register = (token: string, nonce = newNonce()) =>
  server.stranger().post<RegisterReply & ErrorReply>("/api/runner/register", {
    registration_token: token,
    name: "host-1",
    nonce,
  });

describe("a registration token", () => {
  test("RT-01 makes one runner however many ask with it at once", async () => {
    const { token } = await mintToken(admin, pool);
    const replies = await Promise.all(Array.from({ length: 50 }, () => register(token)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    const refused = new Set(replies.filter(({ status }) => status !== 200).map(({ text }) => text));
    expect([...refused]).toHaveLength(1);
    expect([...refused][0]).toBe((await register(`wsrt_${"x".repeat(43)}`)).text);
  });

  test("RT-03 gives the same credential again for the same nonce, for ten minutes", async () => {
    const { token } = await mintToken(admin, pool);
    const nonce = newNonce();
    const first = await register(token, nonce);
    const again = await Promise.all([register(token, nonce), register(token, nonce)]);
    for (const reply of again) expect(reply.body).toEqual(first.body);
    expect((await register(token)).status).toBe(401);
    await server.database.kysely
      .updateTable("registration_tokens")
      .set((eb) => ({ used_at_ms: eb("used_at_ms", "-", 600_001) }))
      .where("used_at_ms", "is not", null)
      .execute();
    expect((await register(token, nonce)).status).toBe(401);
  });

  test("RT-02 that was used, has expired, was revoked or is of an older backup is refused", async () => {
    const spent = await mintToken(admin, pool);
    await register(spent.token);
    expect((await register(spent.token)).status).toBe(401);
    const revoked = await mintToken(admin, pool);
    await admin.delete(`/api/v1/admin/pools/${pool.id}/registration-tokens/${revoked.id}`);
    expect((await register(revoked.token)).status).toBe(401);
    const expired = await mintToken(admin, pool);
    await server.database.kysely
      .updateTable("registration_tokens")
      .set({ expires_at_ms: dbNowMs(server.database.engine) })
      .where("id", "=", expired.id)
      .execute();
    expect((await register(expired.token)).status).toBe(401);
    const restored = await mintToken(admin, pool);
    await server.database.transaction(raiseEpoch);
    expect((await register(restored.token)).status).toBe(401);
    expect((await register((await mintToken(admin, pool)).token)).status).toBe(200);
    const states = (
      await admin.get<{ tokens: { id: number; state: string }[] }>(
        `/api/v1/admin/pools/${pool.id}/registration-tokens`,
      )
    ).body.tokens;
    const stateOf = (id: number) => states.find((row) => row.id === id)?.state;
    expect([spent.id, revoked.id, expired.id, restored.id].map(stateOf)).toEqual([
      "used",
      "revoked",
      "revoked",
      "revoked",
    ]);
  });

  test("RT-14 that nobody minted is refused without a transaction, and one address may try a hundred in a minute", async () => {
    const { database, masterKey } = server;
    const unwritten = { ...database, transaction: () => Promise.reject(new Error("a transaction began")) };
    const guessed = { registration_token: `wsrt_${"g".repeat(43)}`, name: "guesser", nonce: newNonce() };
    const asked = registerHost(unwritten, masterKey, guessed, undefined);
    await expect(asked).rejects.toMatchObject({ code: "unauthenticated" });
    const own = await startTestServer();
    try {
      const guess = () => own.stranger().post<ErrorReply>("/api/runner/register", guessed);
      const replies = [];
      for (let n = 0; n < 101; n++) replies.push(await guess());
      expect(replies.filter(({ status }) => status === 401)).toHaveLength(100);
      const last = replies.at(-1);
      expect([last?.status, last?.body.error.code]).toEqual([429, "rate_limited"]);
      expect(Number(last?.headers.get("retry-after"))).toBeGreaterThan(0);
    } finally {
      await own.close();
    }
  });

  test("RT-04 and the credential it gives stand nowhere in the database", async () => {
    const { token } = await mintToken(admin, pool);
    const { credential } = (await register(token)).body;
    const tables = await server.database.kysely.introspection.getTables();
    const dump: string[] = [];
    for (const { name } of tables)
      dump.push(
        JSON.stringify((await sql`select * from ${sql.table(name)}`.execute(server.database.kysely)).rows),
      );
    expect(dump.join()).not.toContain(token.slice(5));
    expect(dump.join()).not.toContain(credential.slice(5));
    expect(server.logLines.join()).not.toContain(credential.slice(5));
  });
});

describe("a runner's credential", () => {
  test("is changed without a gap: the former one works for an hour", async () => {
    const host = await addHost(server, admin, pool);
    const { credential } = (await host.client.post<{ credential: string }>("/api/runner/credential")).body;
    const next = new TestHost(server, { ...host.registered, credential });
    expect((await host.heartbeat()).status).toBe(200);
    Object.assign(next.state, host.state);
    expect((await next.heartbeat()).status).toBe(200);
    await server.database.kysely
      .updateTable("runner_credentials")
      .set((eb) => ({ expires_at_ms: eb("expires_at_ms", "-", 3_600_001) }))
      .where("expires_at_ms", "is not", null)
      .execute();
    expect((await host.heartbeat()).status).toBe(401);
    expect((await next.heartbeat()).status).toBe(200);
  });

  test("is not given to whoever has the former one once its successor is in use", async () => {
    const host = await addHost(server, admin, pool);
    const rotate = (one: TestHost) => one.client.post<{ credential: string }>("/api/runner/credential");
    const lost = (await rotate(host)).body.credential;
    const { credential } = (await rotate(host)).body; // the first answer was lost
    expect((await new TestHost(server, { ...host.registered, credential: lost }).heartbeat()).status).toBe(
      401,
    );
    const next = new TestHost(server, { ...host.registered, credential });
    expect((await next.heartbeat()).status).toBe(200);
    expect((await rotate(host)).status).toBe(401);
    expect((await rotate(next)).status).toBe(200);
  });

  test("is of a host that is shown under the name it has now, and one that tells none under that of its registration", async () => {
    const host = await addHost(server, admin, pool);
    const shown = async () => {
      const id = await idOf(host);
      const { body } = await admin.get<{ pools: { runners: { id: number; name: string }[] }[] }>(
        "/api/v1/admin/diagnostics/runner-pools",
      );
      return body.pools.flatMap(({ runners }) => runners).find((one) => one.id === id)?.name;
    };
    await host.heartbeat();
    expect(await shown()).toBe("host");
    host.state.name = "renamed";
    await host.heartbeat();
    expect(await shown()).toBe("renamed");
    host.state.name = "two\nlines";
    expect((await host.heartbeat()).status).toBe(400);
    expect(await shown()).toBe("renamed");
  });

  test("of which two are asked for at once leaves two that work: the one in use, and one of the answers", async () => {
    const host = await addHost(server, admin, pool);
    await host.heartbeat();
    const ask = () => host.client.post<{ credential: string }>("/api/runner/credential");
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const rows = await server.database.kysely
      .selectFrom("runner_credentials")
      .select("token_hash")
      .where("runner_id", "=", await idOf(host))
      .execute();
    expect(rows).toHaveLength(2);
    const statuses = [];
    for (const { body } of answers) {
      const next = new TestHost(server, { ...host.registered, credential: body.credential });
      Object.assign(next.state, host.state);
      statuses.push((await next.heartbeat()).status);
    }
    expect(statuses.sort()).toEqual([200, 401, 401]);
    expect((await host.heartbeat()).status).toBe(200);
  });

  test("RT-09 is refused from the next request on once it is revoked", async () => {
    const host = await addHost(server, admin, pool);
    const runner = await idOf(host);
    expect((await host.heartbeat()).status).toBe(200);
    expect((await admin.post(`/api/v1/admin/runners/${runner}/revoke`)).status).toBe(200);
    expect((await host.heartbeat()).status).toBe(401);
    expect((await host.claim()).status).toBe(401);
    expect((await host.events(1, 1, [])).status).toBe(401);
  });

  test("RT-03 that nobody used within a day is void", async () => {
    const host = await addHost(server, admin, pool);
    await server.database.kysely
      .updateTable("runner_credentials")
      .set((eb) => ({ created_at_ms: eb("created_at_ms", "-", 86_400_001) }))
      .where("runner_id", "=", await idOf(host))
      .execute();
    expect((await host.heartbeat()).status).toBe(401);
  });

  test("opens nothing but the runner's own addresses", async () => {
    const host = await addHost(server, admin, pool);
    for (const path of ["/api/v1/me", "/api/v1/admin/pools", "/api/v1/workspaces"])
      expect((await host.client.get(path)).status).toBe(401);
    expect((await admin.post("/api/runner/heartbeat")).status).toBe(401);
  });

  test("RT-08 on a second host fences the first, and an administrator hears of it", async () => {
    const first = await addHost(server, admin, pool);
    await first.heartbeat();
    const second = first.restarted();
    expect((await second.heartbeat()).status).toBe(200);
    const refused = await first.heartbeat();
    expect([refused.status, refused.body.error.code]).toEqual([409, "superseded"]);
    expect((await first.claim()).body.error.code).toBe("superseded");
    expect((await second.heartbeat()).status).toBe(200);
    const { body } = await admin.get<{ pools: { runners: { id: number; alert: string | null }[] }[] }>(
      "/api/v1/admin/diagnostics/runner-pools",
    );
    const runner = await idOf(first);
    const shown = body.pools.flatMap(({ runners }) => runners).find(({ id }) => id === runner);
    expect(shown?.alert).toContain("two hosts");
  });
});

async function idOf(host: TestHost): Promise<number> {
  const row = await server.database.kysely
    .selectFrom("runners")
    .select("id")
    .where("instance", "=", host.registered.instance_id)
    .executeTakeFirstOrThrow();
  return row.id;
}
