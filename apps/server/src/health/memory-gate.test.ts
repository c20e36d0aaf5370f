import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { EventPage } from "@windshift/contract/api/run.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { ServerMetrics } from "../metrics/server-metrics.ts";
import { COMPLETED_RESULT } from "../testing/completed-result.ts";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, type ErrorReply, eventOf, type TestHost } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { openStream } from "../testing/test-stream.ts";
import { createItem, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";
import { COSTLY_ROUTES } from "./costly-work.ts";
import { MemoryGate } from "./memory-gate.ts";
import { memoryCalm } from "./memory-watch.ts";

/** A server, git and a workspace; a loaded machine takes long for them, ms. */
setDefaultTimeout(60_000);

/** Of 1,000 bytes. */
let usedBytes = 100;
/** What is given back when the heap is cleared out, bytes. */
let garbageBytes = 0;
let nowMs = 0;
const scripted = {
  read: () => ({ usedBytes, limitBytes: 1_000, of: "cgroup" as const }),
  collect: () => {
    usedBytes -= garbageBytes;
    garbageBytes = 0;
  },
  nowMs: () => nowMs,
};

describe("the gate", () => {
  const lines: string[] = [];
  const note = (fields: object, message: string) => void lines.push(JSON.stringify({ ...fields, message }));
  let metrics: ServerMetrics;
  let gate: MemoryGate;
  const at = (bytes: number) => {
    usedBytes = bytes;
    gate.look();
    return gate.isShort;
  };
  beforeEach(() => {
    lines.length = 0;
    garbageBytes = 0;
    nowMs = 0;
    metrics = new ServerMetrics();
    gate = new MemoryGate({ ...scripted, log: { info: note, warn: note }, metrics });
  });

  test("closes at 90 % and opens below 85 %, with one line each", () => {
    expect([100, 899, 900, 950, 870, 850, 849, 899, 900].map(at)).toEqual([
      false,
      false,
      true,
      true,
      true,
      true,
      false,
      false,
      true,
    ]);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      {
        usedBytes: 900,
        limitBytes: 1_000,
        of: "cgroup",
        message: expect.stringContaining("memory is short"),
      },
      { usedBytes: 849, message: expect.stringContaining("there is memory again") },
      { usedBytes: 900 },
    ]);
  });

  test("stays open when what is not used any more can be given back, and tries that twice a minute at most", () => {
    garbageBytes = 200;
    expect(at(950)).toBe(false);
    garbageBytes = 200;
    expect(at(950)).toBe(true);
    nowMs += 29_999;
    expect(at(950)).toBe(true);
    nowMs += 1;
    expect(at(950)).toBe(false);
  });

  test("is a figure, and so is each kind of work that it turned away", () => {
    expect([gate.refusal("git"), at(990)]).toEqual([undefined, true]);
    expect(gate.refusal("git")).toMatchObject({ code: "unavailable", status: 503, retryAfterS: 5 });
    gate.refusalOf({ method: "GET" }, "/api/v1/agent-runs/7/events/stream");
    expect(gate.refusalOf({ method: "GET" }, "/api/v1/agent-runs/7/events")).toBeUndefined();
    const text = metrics.text();
    for (const line of [
      "windshift_memory_used_bytes 990",
      'windshift_memory_limit_bytes{of="cgroup"} 1000',
      "windshift_memory_short 1",
      'windshift_memory_refusals_total{work="git"} 1',
      'windshift_memory_refusals_total{work="stream"} 1',
    ])
      expect(text).toContain(`${line}\n`);
    at(100);
    expect(metrics.text()).toContain("windshift_memory_short 0\n");
  });

  test("keeps the server's own runner waiting for as long", async () => {
    at(990);
    let isOver = false;
    const waiting = memoryCalm(gate, new AbortController().signal).then(() => {
      isOver = true;
    });
    await new Promise(setImmediate);
    expect(isOver).toBe(false);
    at(100);
    await waiting;
    at(990);
    await memoryCalm(gate, AbortSignal.abort());
  });
});

describe("F40 a server that is short of memory", () => {
  let gate: MemoryGate | undefined;
  let server: TestServer;
  let admin: TestClient;
  let workspace: TestWorkspace;
  let host: TestHost;
  let job: JobSpec;
  const isShort = (short: boolean) => {
    usedBytes = short ? 950 : 100;
    gate?.look();
  };
  beforeAll(async () => {
    isShort(false);
    server = await startTestServer({
      memory: ({ log, metrics }) => {
        gate = new MemoryGate({ ...scripted, log, metrics });
        return gate;
      },
    });
    admin = await server.setUp();
    workspace = await createTestWorkspace(admin, "MEM");
    host = await addHost(server, admin, await createPool(admin, { name: "hosts" }));
    await admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { pool: "hosts" });
    await createItem(admin, "MEM", { assignee_id: workspace.agent.id });
    job = await host.claimed();
    await createItem(admin, "MEM", { assignee_id: workspace.agent.id });
  });
  afterAll(() => server.close());
  beforeEach(() => isShort(true));

  const ask = (path: string, method: "GET" | "POST") =>
    method === "GET" ? admin.get<ErrorReply>(path) : admin.post<ErrorReply>(path);

  test("answers new model calls, streams, exports, backups and claims with 503, a time to come again and a sentence", async () => {
    const run = String(job.run_id);
    const paths = COSTLY_ROUTES.map(({ method, path, work }) => ({
      work,
      method,
      path: path
        .replace(":id", run)
        .replace(":key", "MEM")
        .replace(":backup", "windshift-20260101T000000Z.tar")
        .replace("*", "v1/chat/completions"),
    }));
    expect(new Set(paths.map(({ work }) => work)).size).toBe(5);
    for (const { method, path } of paths) {
      const { status, headers, body } = await ask(path, method);
      expect([path, status, headers.get("retry-after")]).toEqual([path, 503, "5"]);
      expect(body.error).toMatchObject({
        code: "unavailable",
        message: expect.stringMatching(/little memory left: .* not begun until it has more; .* try again/),
      });
    }
    isShort(false);
    for (const { method, path } of paths.filter(({ work }) => work === "export"))
      expect([path, (await ask(path, method)).status]).toEqual([path, 200]);
  });

  test("turns clones away in words that git shows, and takes what a run pushes", async () => {
    const authorization = `Basic ${btoa(`x:${job.tokens.git}`)}`;
    const refs = (service = "git-upload-pack") =>
      fetch(`${job.repo.clone_url}/info/refs?service=${service}`, { headers: { authorization } });
    const reply = await refs();
    expect([reply.status, reply.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(reply.headers.get("content-type")).toStartWith("text/plain");
    expect(await reply.text()).toContain("little memory left: clones and fetches are not begun");
    expect((await refs("git-receive-pack")).status).toBe(200);
    const push = { method: "POST", headers: { authorization }, body: "0000" };
    expect((await fetch(`${job.repo.clone_url}/git-receive-pack`, push)).status).not.toBe(503);
    isShort(false);
    expect((await refs()).status).toBe(200);
  });

  test("goes on with health, pages, heartbeats, events, results and open streams, and drops nothing that it acknowledged", async () => {
    isShort(false);
    const path = `/api/v1/agent-runs/${job.run_id}`;
    const stream = await openStream(admin, `${path}/events/stream`);
    const notes = [1, 2, 3].map((seq) => eventOf(seq));
    expect((await host.events(job.run_id, job.attempt, notes.slice(0, 1))).body.acked_seq).toBe(1);
    isShort(true);
    for (const open of [
      "/healthz",
      "/readyz",
      "/metrics",
      path,
      `${path}/events`,
      "/api/v1/workspaces/MEM/items",
    ])
      expect([open, (await admin.get(open)).status]).toEqual([open, 200]);
    const held = [{ run: job.run_id, attempt: job.attempt }];
    expect((await host.heartbeat(held)).body).toMatchObject({ abort: [] });
    expect((await host.notices(held)).status).toBe(200);
    expect((await host.events(job.run_id, job.attempt, notes)).body.acked_seq).toBe(3);
    const item = await createItem(admin, "MEM", { title: "Made meanwhile", assignee_id: workspace.agent.id });
    expect((await host.result(job.run_id, { ...COMPLETED_RESULT, attempt: job.attempt })).status).toBe(200);
    // Whoever watched before goes on watching.
    await eventually(
      "all events are watched",
      () => stream.events.filter(({ event }) => event === "event").length >= 3,
      20_000,
    );
    await stream.close();
    isShort(false);
    const { events } = (await admin.get<EventPage>(`${path}/events`)).body;
    expect(events.filter(({ seq }) => seq > 0).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    // What waited, and what was asked for meanwhile, is claimed now, in its order.
    const next = await host.claimed();
    await host.result(next.run_id, { ...COMPLETED_RESULT, attempt: next.attempt });
    expect((await host.claimed()).env.WINDSHIFT_ITEM_KEY).toBe(item.key);
  });

  test("every route that streams, exports or hands out what can be large is among them", () => {
    const routes = new Set(server.table.entries.map(({ method, path }) => `${method} ${templateOf(path)}`));
    for (const { method, path } of COSTLY_ROUTES) expect(routes).toContain(`${method} ${path}`);
    const large = [...routes].filter((route) => /stream$|export|\.jsonl$|\.csv$|\/download$/.test(route));
    const gets = COSTLY_ROUTES.filter(({ method }) => method === "GET");
    expect(large.toSorted()).toEqual(gets.map(({ method, path }) => `${method} ${path}`).toSorted());
  });
});

const templateOf = (path: string) => path.replaceAll(/\{(\w+)\}/g, ":$1");
