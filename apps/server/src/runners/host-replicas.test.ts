import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type { Pool } from "@windshift/contract/api/pool.ts";
import { hashToken } from "@windshift/contract/tokens.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, eventOf, newNonce, TestHost } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { createItem, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";
import { startSecondServer } from "./second-server.fixture.ts";

/** Within this time every server refuses what was withdrawn on one of them, ms. */
const REFUSED_MS_MAX = 5_000;

/** A loaded machine may take long, ms. */
const TEST_MS_MAX = 60_000;

let server: TestServer;
let second: Awaited<ReturnType<typeof startSecondServer>>;
let admin: TestClient;
let workspace: TestWorkspace;
let pool: Pool;

beforeAll(async () => {
  server = await startTestServer();
  second = await startSecondServer(server);
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "TWO");
}, TEST_MS_MAX);
beforeEach(async () => {
  pool = await createPool(admin, { name: newNonce() });
  await admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { pool: pool.name });
});
afterAll(async () => {
  await second?.stop();
  await server?.close();
}, TEST_MS_MAX);

/** The same host, as the second server sees it. */
function atSecond(host: TestHost): TestHost {
  const other = new TestHost(server, host.registered, new TestClient(second.url, host.registered.credential));
  Object.assign(other.state, host.state);
  return other;
}

async function idOf({ registered }: TestHost): Promise<number> {
  const found = await server.database.kysely
    .selectFrom("runner_credentials")
    .select("runner_id")
    .where("token_hash", "=", hashToken(registered.credential))
    .executeTakeFirstOrThrow();
  return found.runner_id;
}

test(
  "RT-09 a host revoked on one server is refused by the other within 5 s, its waiting claim and its runs' tokens too",
  async () => {
    const host = await addHost(server, admin, pool);
    const there = atSecond(host);
    there.state.capacity = 2;
    await createItem(admin, workspace.key, { assignee_id: workspace.agent.id });
    const job = await there.claimed();
    const { run_id: run, attempt } = job;
    const agent = new TestClient(second.url, job.tokens.agent);
    const item = `/api/v1/items/${job.env.WINDSHIFT_ITEM_KEY}`;
    const refs = `${new URL(job.repo.clone_url).pathname}/info/refs?service=git-upload-pack`;
    const basic = { authorization: `Basic ${btoa(`run:${job.tokens.git}`)}` };
    const git = () => new TestClient(second.url).get(refs, basic);
    const model = () =>
      agent.post("/api/llm-proxy/v1/chat/completions", {
        model: "scripted-1",
        max_tokens: 1,
        messages: [{ role: "user", content: "hi" }],
      });
    // Everything is open before, so that nothing is refused for another reason.
    expect((await there.events(run, attempt, [eventOf(1)])).status).toBe(200);
    expect((await agent.get(item)).status).toBe(200);
    expect((await git()).status).toBe(200);
    expect((await model()).status).not.toBe(401);
    let ended: { status: number; afterMs: number } | undefined;
    let startedMs = 0;
    const waiting = there.claim("25s").then(({ status }) => {
      ended = { status, afterMs: performance.now() - startedMs };
    });
    await eventually(
      "the second server has the claim",
      async () => (await there.heartbeat([{ run, attempt }])).status === 200,
    );
    expect(ended).toBeUndefined();

    startedMs = performance.now();
    expect((await admin.post(`/api/v1/admin/runners/${await idOf(host)}/revoke`)).status).toBe(200);
    const refused = {
      heartbeat: (await there.heartbeat([{ run, attempt }])).status,
      claim: (await there.claim()).status,
      events: (await there.events(run, attempt, [eventOf(2)])).status,
      result: (await there.result(run, {})).status,
      notices: (await there.notices([{ run, attempt }])).status,
      credential: (await there.client.post("/api/runner/credential")).status,
      agent: (await agent.get(item)).status,
      // A call of a moment before may have opened the way for the next ones, for a second.
      model: await eventually("no model is asked any more", async () => {
        const { status } = await model();
        return status === 401 ? status : undefined;
      }),
      git: (await git()).status,
    };
    expect({ ...refused, git: [401, 404].includes(refused.git) }).toEqual({
      heartbeat: 401,
      claim: 401,
      events: 401,
      result: 401,
      notices: 401,
      credential: 401,
      agent: 401,
      model: 401,
      git: true,
    });
    expect(performance.now() - startedMs).toBeLessThan(REFUSED_MS_MAX);
    await waiting;
    expect(ended?.status).toBe(401);
    expect(ended?.afterMs).toBeLessThan(REFUSED_MS_MAX);
    const row = await server.database.kysely
      .selectFrom("runs")
      .select(["status", "runner_id"])
      .where("id", "=", run)
      .executeTakeFirstOrThrow();
    expect(row).toEqual({ status: "queued", runner_id: null });
  },
  TEST_MS_MAX,
);

test(
  "RT-08 a start that another took the place of on one server is refused by the other, and its waiting claim ends",
  async () => {
    const host = await addHost(server, admin, pool);
    const there = atSecond(host);
    await admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { labels: ["nobody-has-it"] });
    expect((await there.heartbeat()).status).toBe(200);
    let ended: { status: number; afterMs: number } | undefined;
    let startedMs = 0;
    const waiting = there.claim("25s").then(({ status }) => {
      ended = { status, afterMs: performance.now() - startedMs };
    });
    await eventually("the second server has the claim", async () => (await there.heartbeat()).status === 200);
    startedMs = performance.now();
    expect((await host.restarted().heartbeat()).status).toBe(200);
    const late = await there.heartbeat();
    expect([late.status, late.body.error.code]).toEqual([409, "superseded"]);
    await waiting;
    expect(ended?.status).toBe(409);
    expect(ended?.afterMs).toBeLessThan(REFUSED_MS_MAX);
  },
  TEST_MS_MAX,
);
