import { afterAll, beforeAll, expect, test } from "bun:test";
import { RunnerPoolsReply } from "@windshift/contract/api/pool.ts";
import { LEASE_MS } from "@windshift/contract/limits.ts";
import { dbNowMs } from "../db/database.ts";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, type TestHost } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { createItem, createTestWorkspace } from "../testing/test-workspace.ts";

/** A loaded machine may take long, ms. */
const TEST_MS_MAX = 60_000;

let server: TestServer;
let admin: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
}, TEST_MS_MAX);
afterAll(() => server.close());

async function idOf({ registered }: TestHost): Promise<number> {
  const { id } = await server.database.kysely
    .selectFrom("runners")
    .select("id")
    .where("instance", "=", registered.instance_id)
    .executeTakeFirstOrThrow();
  return id;
}

async function shown(pool: string) {
  const { body } = await admin.get("/api/v1/admin/diagnostics/runner-pools");
  const found = RunnerPoolsReply.parse(body).pools.find((one) => one.pool === pool);
  if (found === undefined) throw new Error(`${pool} is not shown`);
  return found;
}

test(
  "a pool tells what each of its runners does, what waits in it, for what, and since when",
  async () => {
    const workspace = await createTestWorkspace(admin, "SEEN");
    const pool = await createPool(admin, { name: "seen", max_running: 5, labels: ["linux"] });
    const bind = (labels: string[]) =>
      admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { pool: pool.name, labels });
    const queue = () => createItem(admin, workspace.key, { assignee_id: workspace.agent.id });
    expect(await shown("seen")).toMatchObject({ live: 0, queued: 0, oldest_queued_at: null, runners: [] });

    const [works, drains, asked, silent, gone, never] = await Promise.all(
      Array.from({ length: 6 }, () => addHost(server, admin, pool)),
    );
    if (!works || !drains || !asked || !silent || !gone || !never) throw new Error("a host is missing");
    works.state.capacity = 3;
    drains.state.draining = true;
    for (const host of [works, drains, asked, silent, gone]) await host.heartbeat();
    await admin.post(`/api/v1/admin/runners/${await idOf(asked)}/drain`);
    await admin.post(`/api/v1/admin/runners/${await idOf(gone)}/revoke`);
    const { engine, kysely } = server.database;
    await kysely
      .updateTable("runners")
      .set((eb) => ({ last_seen_at_ms: eb(dbNowMs(engine), "-", LEASE_MS + 1_000) }))
      .where("id", "=", await idOf(silent))
      .execute();
    await bind([]);
    await queue();
    const job = await works.claimed();
    await bind(["gpu"]);
    for (let n = 0; n < 2; n++) await queue();
    await bind([]);
    works.state.capacity = 2;
    await works.heartbeat([{ run: job.run_id, attempt: job.attempt }]);
    await queue();
    const oldest = new Date("2026-01-02T03:04:05.000Z");
    const first = await kysely
      .selectFrom("runs")
      .select((eb) => eb.fn.min("id").as("id"))
      .where("pool_id", "=", pool.id)
      .where("status", "=", "queued")
      .executeTakeFirstOrThrow();
    await kysely
      .updateTable("runs")
      .set({ created_at_ms: oldest.getTime() })
      .where("id", "=", first.id)
      .execute();

    const seen = await shown("seen");
    expect(seen).toMatchObject({
      max_running: 5,
      live: 1,
      stale: 2,
      draining: 2,
      revoked: 1,
      // One of two places; those that drain, are silent or revoked have none.
      free: 1,
      running: 1,
      queued: 3,
      oldest_queued_at: oldest.toISOString(),
      queued_by_labels: [
        { labels: [], queued: 1 },
        { labels: ["gpu"], queued: 2 },
      ],
    });
    const stateOf = new Map(seen.runners.map(({ id, state, held }) => [id as number, [state, held]]));
    const states = [];
    for (const host of [works, drains, asked, silent, gone, never])
      states.push(stateOf.get(await idOf(host)));
    expect(states).toEqual([
      ["live", 1],
      ["draining", 0],
      ["draining", 0],
      ["stale", 0],
      ["revoked", 0],
      ["stale", 0],
    ]);
    expect(seen.runners.find(({ held }) => held === 1)).toMatchObject({
      capacity: 2,
      kind: "host",
      alert: null,
    });
  },
  TEST_MS_MAX,
);
