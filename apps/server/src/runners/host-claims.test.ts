import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Pool } from "@windshift/contract/api/pool.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { dbNowMs } from "../db/database.ts";
import { sweepLapsedLeases } from "../runs/run-sweep.ts";
import { COMPLETED_RESULT } from "../testing/completed-result.ts";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, eventOf, newNonce, type TestHost } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { createItem, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";

let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
let pool: Pool;
let host: TestHost;

beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "HOST");
  pool = await createPool(admin, { name: "hosts" });
  await bind({ pool: "hosts" });
});
afterAll(() => server.close());
beforeEach(async () => {
  await server.database.kysely.deleteFrom("runs").execute();
  await bind({ labels: [] });
  host = await addHost(server, admin, pool);
});

const bind = (patch: object) => admin.patch(`/api/v1/bindings/${workspace.binding.id}`, patch);
const queueRun = () => createItem(admin, workspace.key, { assignee_id: workspace.agent.id });
const heldOf = ({ run_id: run, attempt }: JobSpec) => ({ run, attempt });

describe("a claim", () => {
  test("that waits is answered as soon as a run is queued", async () => {
    const waiting = host.claimed("25s");
    await eventually("the host to wait", async () => (await host.heartbeat()).body.queue_depth === 0);
    await queueRun();
    const job = await waiting;
    expect(job.attempt as number).toBe(1);
    expect(job.env.LLM_BASE_URL).toBe(`${server.url}/api/llm-proxy`);
    expect(job.repo.clone_url).toStartWith(`${server.url}/api/git-proxy/${job.run_id}/`);
  });

  test("F24 repeated with its key gives the same job, and takes nothing from one that has begun", async () => {
    await queueRun();
    const key = newNonce();
    const first = (await host.claim("0s", key)).body.job;
    const again = (await host.claim("0s", key)).body.job;
    if (!first || !again) throw new Error("no job came");
    expect(heldOf(again)).toEqual(heldOf(first));
    const me = (job: JobSpec) =>
      server.withToken(job.tokens.agent).get(`/api/v1/items/${job.env.WINDSHIFT_ITEM_KEY}`);
    expect([(await me(first)).status, (await me(again)).status]).toEqual([200, 200]);
    expect((await host.claim()).body.job).toBeNull();
  });

  test("I11 never gives a host more than it takes at once, however many claims it sends", async () => {
    host.state.capacity = 3;
    await Promise.all(Array.from({ length: 6 }, queueRun));
    const replies = await Promise.all(Array.from({ length: 6 }, () => host.claim("0s", newNonce())));
    expect(replies.filter(({ body }) => body.job)).toHaveLength(3);
  });

  test("F19 of a hundred hosts for one run has one winner", async () => {
    const hosts = await Promise.all(Array.from({ length: 100 }, () => addHost(server, admin, pool)));
    await queueRun();
    const replies = await Promise.all(hosts.map((one) => one.claim()));
    expect(replies.filter(({ body }) => body.job)).toHaveLength(1);
  }, 60_000);

  test("waits for a host that has all labels, its own or its pool's, and the run says so", async () => {
    await host.heartbeat();
    await bind({ labels: ["gpu", "linux"] });
    const { key } = await queueRun();
    expect((await host.claim()).body.job).toBeNull();
    const why = async () =>
      (
        await admin.get<{ runs: { queued_because: { reason: string; text: string } }[] }>(
          `/api/v1/items/${key}/agent-runs`,
        )
      ).body.runs[0]?.queued_because;
    expect(await why()).toMatchObject({ reason: "no_runner_with_labels" });
    expect((await why())?.text).toContain("gpu, linux");
    await admin.patch(`/api/v1/admin/pools/${pool.id}`, { labels: ["linux"] });
    host.state.labels = ["gpu"];
    expect((await host.claim()).body.job).not.toBeNull();
    await admin.patch(`/api/v1/admin/pools/${pool.id}`, { labels: [] });
  });

  test("RT-14 of a host that claims with ever other labels has one of them wait, the newest", async () => {
    const claims: ReturnType<typeof host.claim>[] = [];
    for (const label of ["first", "second", "label-of-the-run"]) {
      host.state.labels = [label];
      claims.push(host.claim("25s", newNonce()));
      await eventually("the host waits with it", async () => {
        const runners = server.database.kysely.selectFrom("runners").select("labels");
        const row = await runners.where("instance", "=", host.registered.instance_id).executeTakeFirst();
        return row?.labels === JSON.stringify([label]);
      });
    }
    const startedMs = performance.now();
    const [first, second, newest] = claims;
    for (const claim of [first, second]) expect((await claim)?.body.job).toBeNull();
    // Well before the wait they asked for is over.
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    await bind({ labels: ["label-of-the-run"] });
    await queueRun();
    expect((await newest)?.body.job).not.toBeNull();
  }, 60_000);

  test("brings nothing while the host drains, by itself or because an administrator asked", async () => {
    await queueRun();
    host.state.draining = true;
    expect((await host.claim()).body.job).toBeNull();
    host.state.draining = false;
    await host.heartbeat();
    const { id } = await server.database.kysely
      .selectFrom("runners")
      .select("id")
      .where("instance", "=", host.registered.instance_id)
      .executeTakeFirstOrThrow();
    await admin.post(`/api/v1/admin/runners/${id}/drain`);
    expect((await host.heartbeat()).body.drain).toBe(true);
    expect((await host.claim()).body.job).toBeNull();
    await admin.post(`/api/v1/admin/runners/${id}/resume`);
    expect((await host.claim()).body.job).not.toBeNull();
  });

  test("of a pool that is closed to a workspace makes a run that says why", async () => {
    await createTestWorkspace(admin, "ELSE");
    await admin.patch(`/api/v1/admin/pools/${pool.id}`, { workspaces: ["ELSE"] });
    expect((await bind({ pool: "hosts" })).status).toBe(400);
    const { key } = await queueRun();
    const { runs } = (
      await admin.get<{ runs: { status: string; detail: string }[] }>(`/api/v1/items/${key}/agent-runs`)
    ).body;
    expect(runs[0]).toMatchObject({ status: "failed" });
    expect(runs[0]?.detail).toContain("not open to this workspace");
    await admin.patch(`/api/v1/admin/pools/${pool.id}`, { workspaces: [] });
  });
});

describe("an attempt", () => {
  test("RT-06 of another pool does not exist for a host", async () => {
    await queueRun();
    const job = await host.claimed();
    const other = await addHost(server, admin, await createPool(admin, { name: `p${newNonce()}` }));
    await other.heartbeat();
    const { run, attempt } = heldOf(job);
    const missing = await other.events(2_000_000, attempt, [eventOf(1)]);
    const foreign = await other.events(run, attempt, [eventOf(1)]);
    expect([foreign.status, foreign.text]).toEqual([404, missing.text]);
    expect((await other.result(run, { ...COMPLETED_RESULT, attempt })).status).toBe(404);
    expect((await other.heartbeat([{ run, attempt }])).body.abort).toEqual([{ run, attempt }]);
    expect((await other.claim()).body.job).toBeNull();
  });

  test("RT-12 that is another host's, or an older one, is refused and nothing is stored", async () => {
    await queueRun();
    const { run, attempt } = heldOf(await host.claimed());
    const other = await addHost(server, admin, pool);
    await other.heartbeat();
    for (const reply of [
      await other.events(run, attempt, [eventOf(1)]),
      await host.events(run, attempt + 1, [eventOf(1)]),
      await other.result(run, { ...COMPLETED_RESULT, attempt }),
    ])
      expect([reply.status, reply.body.error.code]).toEqual([409, "lease_lost"]);
    expect(await storedEvents(run)).toBe(0);
  });

  test("RT-17 stores events once and in order, refuses other content under a number, and says where to go on", async () => {
    await queueRun();
    const { run, attempt } = heldOf(await host.claimed());
    expect((await host.events(run, attempt, [eventOf(1), eventOf(2)])).body.acked_seq).toBe(2);
    expect((await host.events(run, attempt, [eventOf(2), eventOf(3)])).body.acked_seq).toBe(3);
    expect((await host.events(run, attempt, [eventOf(7)])).body.acked_seq).toBe(3);
    const changed = await host.events(run, attempt, [eventOf(3, "another"), eventOf(4)]);
    expect([changed.status, changed.body.error.code]).toEqual([409, "conflict"]);
    expect(server.logLines.join()).toContain("refused events");
    expect((await shownRunner())?.alert).toContain("other events");
    expect(await storedEvents(run)).toBe(3);
    const wild = [
      eventOf(2 ** 53),
      eventOf(0),
      eventOf(1.5),
      { ...eventOf(4), data: { text: "x".repeat(10_000_000) } },
    ];
    for (const event of wild) expect((await host.events(run, attempt, [event])).status).toBeOneOf([400, 413]);
    const odd = { ...eventOf(4), data: { text: "nul \u0000 and half \ud800" } };
    expect((await host.events(run, attempt, [odd])).body.acked_seq).toBe(4);
  });

  test("F06 of an earlier start ends at once when the host comes back with another", async () => {
    await queueRun();
    const job = await host.claimed();
    const next = host.restarted();
    await next.heartbeat();
    const again = await next.claimed();
    expect([again.run_id, again.attempt as number]).toEqual([job.run_id, 2]);
    const late = await host.events(job.run_id, 1, [eventOf(1)]);
    expect([late.status, late.body.error.code]).toEqual([409, "lease_lost"]);
  });

  test("F05 of a start that only has a result to deliver is taken while the new one has not spoken", async () => {
    await queueRun();
    const { run, attempt } = heldOf(await host.claimed());
    expect((await host.events(run, attempt, [eventOf(1)])).status).toBe(200);
    expect((await host.result(run, { ...COMPLETED_RESULT, attempt })).status).toBe(200);
    expect((await host.result(run, { ...COMPLETED_RESULT, attempt })).status).toBe(200);
    await host.restarted().heartbeat();
    expect(await statusOf(run)).not.toBe("queued");
  });

  test("F15 whose lease lapsed is told to end, and its messages change nothing", async () => {
    await queueRun();
    const job = await host.claimed();
    const { run, attempt } = heldOf(job);
    await server.database.kysely
      .updateTable("runs")
      .set((eb) => ({ lease_expires_at_ms: eb(dbNowMs(server.database.engine), "-", 1) }))
      .where("id", "=", run)
      .execute();
    await sweepLapsedLeases(server.database, { llmModel: undefined });
    expect((await host.heartbeat([{ run, attempt }])).body.abort).toEqual([{ run, attempt }]);
    expect((await host.notices([{ run, attempt }])).body.news).toEqual([
      expect.objectContaining({ kind: "lease_lost", run, attempt }),
    ]);
    expect((await host.result(run, { ...COMPLETED_RESULT, attempt })).body.error.code).toBe("lease_lost");
    expect(await statusOf(run)).toBe("queued");
  });

  test("hears of a cancel and of messages while it waits, and of a message again until it has it", async () => {
    const { key } = await queueRun();
    const { run, attempt } = heldOf(await host.claimed());
    const waiting = host.notices([{ run, attempt }], "25s");
    await admin.post(`/api/v1/agent-runs/${run}/messages`, { text: "please be brief" });
    const [message] = (await waiting).body.news;
    const text = 'By an admin of the workspace, "Ada":\n\n```text\nplease be brief\n```';
    expect(message).toMatchObject({ kind: "message", text, run, attempt });
    const after = { run, attempt, after_message: message?.id };
    expect((await host.notices([{ run, attempt }])).body.news).toHaveLength(1);
    expect((await host.notices([after])).body.news).toEqual([]);
    const canceled = host.notices([after], "25s");
    await admin.post(`/api/v1/agent-runs/${run}/cancel`, {});
    const told: unknown = (await canceled).body.news;
    expect(told).toEqual([{ kind: "cancel", force: false, run, attempt }]);
    expect((await host.notices([{ ...after, known: "canceling" }])).body.news).toEqual([]);
    expect(key).toStartWith("HOST-");
  });

  test("RT-09 a claim that waits ends when its host is revoked, and when another start takes its place", async () => {
    const other = await addHost(server, admin, pool);
    for (const [one, status, meet] of [
      [other, 409, async () => void (await other.restarted().heartbeat())],
      [
        host,
        401,
        async () => {
          const { id } = await server.database.kysely
            .selectFrom("runners")
            .select("id")
            .where("instance", "=", host.registered.instance_id)
            .executeTakeFirstOrThrow();
          await admin.post(`/api/v1/admin/runners/${id}/revoke`);
        },
      ],
    ] as const) {
      await one.heartbeat();
      const { kysely } = server.database;
      await kysely.updateTable("runners").set({ last_seen_at_ms: 0 }).execute();
      const waiting = one.claim("25s");
      const seen = kysely.selectFrom("runners").select("id").where("last_seen_at_ms", ">", 0);
      await eventually("the claim to be there", () => seen.executeTakeFirst());
      const startedMs = performance.now();
      await meet();
      expect((await waiting).status).toBe(status);
      // Well before the wait it asked for is over.
      expect(performance.now() - startedMs).toBeLessThan(20_000);
    }
  });

  test("F18 a host that was heard of in the future, as the database's clock was set back since, is heard of now", async () => {
    await host.heartbeat();
    const { kysely, engine } = server.database;
    const now = dbNowMs(engine);
    const named = host.registered.instance_id;
    await kysely
      .updateTable("runners")
      .set((eb) => ({ last_seen_at_ms: eb(now, "+", 3_600_000) }))
      .where("instance", "=", named)
      .execute();
    expect((await host.heartbeat()).status).toBe(200);
    const ahead = kysely.selectFrom("runners").select("id").where("last_seen_at_ms", ">", now);
    expect(await ahead.where("instance", "=", named).execute()).toEqual([]);
  });

  test("RT-09 of a revoked host is queued again, and its tokens are dead", async () => {
    await queueRun();
    const job = await host.claimed();
    const { id } = await server.database.kysely
      .selectFrom("runners")
      .select("id")
      .where("instance", "=", host.registered.instance_id)
      .executeTakeFirstOrThrow();
    await admin.post(`/api/v1/admin/runners/${id}/revoke`);
    const item = `/api/v1/items/${job.env.WINDSHIFT_ITEM_KEY}`;
    expect((await server.withToken(job.tokens.agent).get(item)).status).toBe(401);
    expect(await statusOf(job.run_id)).toBe("queued");
  });

  test("that a person killed is told so, and a host that is gone can be deleted", async () => {
    await queueRun();
    const { run, attempt } = heldOf(await host.claimed());
    await admin.post(`/api/v1/agent-runs/${run}/cancel`, {});
    await admin.post(`/api/v1/agent-runs/${run}/cancel`, { force: true });
    const told: unknown = (await host.notices([{ run, attempt }])).body.news;
    expect(told).toEqual([{ kind: "cancel", force: true, run, attempt }]);
    const runner = (await shownRunner())?.id;
    expect((await admin.delete(`/api/v1/admin/runners/${runner}`)).status).toBe(409);
    await admin.post(`/api/v1/admin/runners/${runner}/revoke`);
    expect((await admin.delete(`/api/v1/admin/runners/${runner}`)).status).toBe(204);
    expect(await shownRunner().catch(() => undefined)).toBeUndefined();
  });

  test("RT-14 of a host that floods does not keep others from theirs", async () => {
    const limited: Awaited<ReturnType<TestHost["heartbeat"]>>[] = [];
    // As fast as this machine can; a slow one takes more of them to be over the pace.
    for (let wave = 0; wave < 20 && limited.length === 0; wave++) {
      const replies = await Promise.all(Array.from({ length: 200 }, () => host.heartbeat()));
      limited.push(...replies.filter(({ status }) => status === 429));
    }
    expect(limited.length).toBeGreaterThan(0);
    expect(limited[0]?.headers.get("retry-after")).toBe("1");
    const other = await addHost(server, admin, pool);
    expect((await other.heartbeat()).status).toBe(200);
  });

  test("I11 waits while all hosts are full, and says so", async () => {
    const small = await createPool(admin, { name: "small" });
    await bind({ pool: "small" });
    await queueRun();
    await (await addHost(server, admin, small)).claimed();
    const { key } = await queueRun();
    await bind({ pool: "hosts" });
    const { runs } = (
      await admin.get<{ runs: { queued_because: { reason: string; text: string } }[] }>(
        `/api/v1/items/${key}/agent-runs`,
      )
    ).body;
    expect(runs[0]?.queued_because).toMatchObject({ reason: "runners_full" });
  });

  test("of a workspace that the pool is closed to meanwhile stays queued, and the run says so", async () => {
    const { key } = await queueRun();
    await createTestWorkspace(admin, "LATER");
    await admin.patch(`/api/v1/admin/pools/${pool.id}`, { workspaces: ["LATER"] });
    expect((await host.claim()).body.job).toBeNull();
    const { runs } = (
      await admin.get<{ runs: { queued_because: { reason: string; text: string } }[] }>(
        `/api/v1/items/${key}/agent-runs`,
      )
    ).body;
    expect(runs[0]?.queued_because).toMatchObject({ reason: "pool_closed" });
    expect(runs[0]?.queued_because.text).toContain('Pool "hosts" is not open to this workspace any more');
    await admin.patch(`/api/v1/admin/pools/${pool.id}`, { workspaces: [] });
    expect((await host.claim()).body.job).not.toBeNull();
  });
});

async function shownRunner(): Promise<{ id: number; alert: string | null } | undefined> {
  const { id } = await server.database.kysely
    .selectFrom("runners")
    .select("id")
    .where("instance", "=", host.registered.instance_id)
    .executeTakeFirstOrThrow();
  const { pools } = (
    await admin.get<{ pools: { runners: { id: number; alert: string | null }[] }[] }>(
      "/api/v1/admin/diagnostics/runner-pools",
    )
  ).body;
  return pools.flatMap(({ runners }) => runners).find((one) => one.id === id);
}

async function storedEvents(run: number): Promise<number> {
  const { count } = await server.database.kysely
    .selectFrom("run_events")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("run_id", "=", run)
    .where("seq", ">", 0)
    .executeTakeFirstOrThrow();
  return count;
}

async function statusOf(run: number): Promise<string | undefined> {
  const row = await server.database.kysely
    .selectFrom("runs")
    .select("status")
    .where("id", "=", run)
    .executeTakeFirst();
  return row?.status;
}
