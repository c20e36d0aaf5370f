import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { JobSpec } from "@windshift/contract/job.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { afterCommit } from "../db/after-commit.ts";
import { fillEvents } from "../testing/event-fill.ts";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, eventOf, type TestHost } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { createItem, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";
import { measureLoopDelay } from "./loop-delay.ts";
import { ServerMetrics } from "./server-metrics.ts";

/** A server, git and a workspace; a loaded machine takes long for them, ms. */
setDefaultTimeout(60_000);
/** Events of a transcript that takes some time to go through. */
const LONG_EVENTS = 60_000;
/** Heartbeats that have to be answered meanwhile: one after the other, each takes several turns of the event loop. What held the loop up would let none through. */
const ANSWERED_MIN = 3;
/** A database that is a program of its own may be quicker than a heartbeat on a busy machine. */
const TRIES_MAX = 3;
const TOKEN = "metrics-token-of-this-test";
let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
let host: TestHost;
beforeAll(async () => {
  server = await startTestServer({ metricsToken: TOKEN });
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "MAIN");
  const pool = await createPool(admin, { name: "builders" });
  host = await addHost(server, admin, pool);
  await admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { pool: pool.name });
});
afterAll(() => server.close());

async function scrape(): Promise<string> {
  const reply = await server.withToken(TOKEN).get("/metrics");
  expect(reply.status).toBe(200);
  return reply.text;
}
function figure(text: string, line: string): number {
  const found = text.split("\n").find((one) => one.startsWith(`${line} `));
  return found === undefined ? 0 : Number(found.slice(line.length + 1));
}

test("SO-05 the figures are open to the token and to administrators, and to nobody else", async () => {
  const { client: member } = await server.addPerson(admin, "Member");
  const status = async (client: TestClient) => (await client.get("/metrics")).status;
  expect(await status(admin)).toBe(200);
  expect(await status(server.withToken(TOKEN))).toBe(200);
  expect(await status(server.stranger())).toBe(401);
  expect(await status(member)).toBe(403);
  for (const wrong of [`${TOKEN}x`, TOKEN.slice(0, -1), host.registered.credential, "undefined"])
    expect([wrong, await status(server.withToken(wrong))]).toEqual([wrong, 401]);
});

test("SO-05 what anybody may read of a server names nobody and nothing in it", async () => {
  const stranger = server.stranger();
  const names = ["Ada", "ada@", "MAIN", "builders", "scripted-1", "acme", TOKEN, host.registered.credential];
  for (const path of [
    ...["/healthz", "/readyz", "/api/version"],
    ...[
      "/metrics",
      "/metrics/",
      `/metrics?token=${TOKEN}`,
      "/debug",
      "/debug/pprof",
      "/debug/vars",
      "/server-status",
    ],
  ]) {
    const { status, text } = await stranger.get(path);
    if (path.startsWith("/metrics?")) expect(status).toBe(401);
    for (const name of names) expect([path, name, text.includes(name)]).toEqual([path, name, false]);
    expect([path, text.includes("windshift_queue_depth"), text.includes(server.repositoriesRoot)]).toEqual([
      path,
      false,
      false,
    ]);
  }
});

test("SO-05 without a token that was set, no token opens them", async () => {
  const closed = await startTestServer();
  try {
    for (const token of [TOKEN, "undefined", ""])
      expect((await closed.withToken(token).get("/metrics")).status).toBe(401);
  } finally {
    await closed.close();
  }
});

test("a run is counted while it waits, while it runs, with its events, and when it ends", async () => {
  const item = await createItem(admin, workspace.key, { assignee_id: workspace.agent.id });
  const waiting = await scrape();
  expect(figure(waiting, 'windshift_queue_depth{pool="builders"}')).toBe(1);
  expect(figure(waiting, 'windshift_queue_oldest_seconds{pool="builders"}')).toBeLessThan(60);

  const job = await host.claimed();
  await host.heartbeat([{ run: job.run_id, attempt: job.attempt }]);
  const running = await scrape();
  expect(figure(running, 'windshift_queue_depth{pool="builders"}')).toBe(0);
  expect(figure(running, 'windshift_runs_running{pool="builders"}')).toBe(1);
  expect(figure(running, 'windshift_runners{pool="builders",state="live"}')).toBe(1);
  expect(figure(running, 'windshift_runner_free_places{pool="builders"}')).toBe(0);

  const at = new Date().toISOString();
  const event = (seq: number) => ({ seq, at, type: "content", data: { text: `part ${seq}` } });
  const stored = figure(running, "windshift_run_events_total");
  expect((await host.events(job.run_id, job.attempt, [event(1), event(2)])).status).toBe(200);
  // What comes twice is stored, and counted, once.
  expect((await host.events(job.run_id, job.attempt, [event(2), event(3)])).status).toBe(200);
  expect(figure(await scrape(), "windshift_run_events_total")).toBe(stored + 3);

  const ended = 'windshift_runs_ended_total{status="killed",reason="canceled"}';
  const before = figure(await scrape(), ended);
  const reply = await admin.post(`/api/v1/agent-runs/${job.run_id}/cancel`, { force: true });
  expect([reply.status, item.key]).toEqual([200, item.key]);
  await eventually("the run has ended", async () => figure(await scrape(), ended) === before + 1);
});

test("SO-05 answers are counted by template: no id, no name and no made-up address becomes a label", async () => {
  await admin.get("/api/v1/workspaces/MAIN");
  await admin.get("/api/v1/workspaces/NO-SUCH-ONE");
  await server.stranger().get("/made-up-address-4711");
  await server.stranger().send("OPTIONS", "/api/v1/workspaces/MAIN", "");
  await server.stranger().get("/api/git-proxy/4711/o/r.git/info/refs");
  const text = await scrape();
  const count = (method: string, route: string, status: string) =>
    figure(
      text,
      `windshift_http_request_duration_seconds_count{method="${method}",route="${route}",status="${status}"}`,
    );
  expect(count("GET", "/api/v1/workspaces/:key", "2xx")).toBeGreaterThanOrEqual(1);
  expect(count("GET", "/api/v1/workspaces/:key", "4xx")).toBe(1);
  expect(count("GET", "none", "4xx")).toBeGreaterThanOrEqual(1);
  expect(count("other", "none", "4xx")).toBe(1);
  expect(count("GET", "/api/git-proxy/*", "4xx")).toBe(1);
  // Figures may hold any row of digits; names and labels are what must not.
  const labels = text.replaceAll(/ \S+$/gm, "");
  expect(labels).toContain('route="/api/v1/workspaces/:key"');
  for (const made of ["4711", "NO-SUCH", "OPTIONS", "MAIN", "Ada", TOKEN, host.registered.credential])
    expect([made, labels.includes(made)]).toEqual([made, false]);
});

test("what a transaction that is rolled back did is not counted", async () => {
  const { database } = server;
  const done: string[] = [];
  const fails = database.transaction(async (tx) => {
    afterCommit(tx, () => void done.push("rolled back"));
    throw new Error("no");
  });
  await expect(fails).rejects.toThrow("no");
  await database.transaction(async (tx) => {
    afterCommit(tx, () => void done.push("committed"));
    expect(done).toEqual([]);
  });
  expect(done).toEqual(["committed"]);
});

describe("I17 heartbeats are answered in the middle of", () => {
  let run: JobSpec;
  beforeAll(async () => {
    const { database } = server;
    await createItem(admin, workspace.key, { assignee_id: workspace.agent.id });
    run = await host.claimed();
    await fillEvents(database, [run.run_id], 0, LONG_EVENTS, JSON.stringify({ text: "x".repeat(200) }));
  });

  const events = (query: string) => admin.get(`/api/v1/agent-runs/${run.run_id}/events${query}`);
  for (const [what, work] of [
    ["a search through a long transcript", () => events("?q=not+there")],
    ["its export", () => admin.get(`/api/v1/agent-runs/${run.run_id}/transcript.jsonl`)],
    [
      "a flood of events",
      async () => {
        for (let at = 0; at < 20; at++) await host.events(run.run_id, 1, batchOf(at));
      },
    ],
  ] as const)
    test(what, async () => {
      let answered = 0;
      for (let tries = 0; tries < TRIES_MAX && answered < ANSWERED_MIN; tries++)
        answered = await answeredWithin(work);
      expect(answered).toBe(ANSWERED_MIN);
    });

  /** @returns how many heartbeats were answered before the work was done, up to those that have to be */
  async function answeredWithin(work: () => Promise<unknown>): Promise<number> {
    let isOver = false;
    const working = work().finally(() => {
      isOver = true;
    });
    let answered = 0;
    while (!isOver && answered < ANSWERED_MIN) {
      expect((await host.heartbeat([{ run: run.run_id, attempt: 1 }])).body.abort).toEqual([]);
      if (!isOver) answered++;
    }
    await working;
    return answered;
  }

  /** After those that are stored. */
  const batchOf = (at: number) =>
    Array.from({ length: 100 }, (_, n) => eventOf(LONG_EVENTS + at * 100 + n + 1, "y".repeat(1_000)));
});

test("I17 an event loop that was held up is seen", async () => {
  const metrics = new ServerMetrics();
  const end = measureLoopDelay(metrics);
  const startedMs = performance.now();
  while (performance.now() - startedMs < 600);
  const slow = await eventually("the delay is measured", async () => {
    const text = metrics.text();
    return figure(text, "windshift_event_loop_delay_seconds_sum") > 0.25;
  });
  end();
  expect(slow).toBe(true);
});
