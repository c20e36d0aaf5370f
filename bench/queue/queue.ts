import { randomBytes } from "node:crypto";
import { assert } from "@windshift/contract/app-error.ts";
import { addHost, createPool, type TestHost } from "../../apps/server/src/testing/test-host.ts";
import { startTestServer, type TestServer } from "../../apps/server/src/testing/test-server.ts";
import { createItem, createTestWorkspace } from "../../apps/server/src/testing/test-workspace.ts";
import type { Bench, BenchReport } from "../bench.ts";
import { absoluteFigure, relativeFigure } from "../figure.ts";
import { summarize } from "../measure.ts";
import { openDesks } from "./claim-desks.ts";
import { type BenchEngine, onEachEngine } from "./each-engine.ts";
import { createQueueRig, type QueueRig } from "./queue-rig.ts";

/** Bars. Source: PERFORMANCE, "Queue and runners": 300 claims a second on SQLite, 500 on PostgreSQL, with 10,000 queued. */
const CLAIM_MS_MAX: Record<BenchEngine, number> = { SQLite: 1_000 / 300, PostgreSQL: 1_000 / 500 };
const GROWTH_MAX = 1.2;
const ENQUEUE_MS_P50_MAX = 30;
const ENQUEUE_MS_P99_MAX = 150;
const QUEUED = 10_000;
const QUEUED_FEW = 100;
const QUEUED_MANY = 100_000;
/** Who claims at once. */
const ONE_HOST = { servers: 1, hostsEach: 1 };
const ONE_SERVER = { servers: 1, hostsEach: 64 };
const SERVERS = { servers: 4, hostsEach: 16 };
/** Claims of a round: of each host, and at least; no host is full then. */
const CLAIMS_EACH = 20;
const CLAIMS_MIN = 100;
const ROUNDS = 5;
const ASSIGNMENTS = 200;
/** Before something is assigned, ms: the host's claim was looked at in vain and waits by then, which takes tens of ms on PostgreSQL. */
const SETTLED_MS = 100;
/** Hosts that wait in turn, so that none claims faster than a host may. */
const WAITING_HOSTS = 20;

export const queue: Bench = {
  name: "queue",
  about:
    "claims with caps, fairness and fencing, by the length of the queue, and from assignment to claim over HTTP",
  async run(report) {
    await onEachEngine(report, async (engine) => {
      await measureClaims(report, engine);
      await measureWakeUp(report, engine);
    });
  },
};

async function measureClaims(report: BenchReport, engine: BenchEngine): Promise<void> {
  const rig = await createQueueRig();
  try {
    const subject = { bench: "queue", unit: "ms" } as const;
    // First, while the table is small: it only grows.
    const few = await inRounds(rig, ONE_HOST, QUEUED_FEW);
    for (const { servers, hostsEach } of engine === "PostgreSQL" ? [ONE_SERVER, SERVERS] : [ONE_SERVER]) {
      const times = await inRounds(rig, { servers, hostsEach }, QUEUED);
      const who = servers === 1 ? `${hostsEach} hosts` : `${hostsEach} hosts at each of ${servers} servers`;
      report.progress(`${engine}: ${(1_000 / summarize(times).median).toFixed(0)} claims/s, ${who}`);
      report.figure(
        absoluteFigure(
          { ...subject, metric: `${engine}: a claim, ${who}, ${QUEUED} queued`, bar: CLAIM_MS_MAX[engine] },
          times,
        ),
      );
    }
    const many = await inRounds(rig, ONE_HOST, QUEUED_MANY);
    report.figure(
      relativeFigure(
        { ...subject, metric: `${engine}: a claim of one host, ${QUEUED_MANY} queued`, bar: GROWTH_MAX },
        many,
        `${QUEUED_FEW} queued`,
        few,
      ),
    );
  } finally {
    await rig.close();
  }
}

/**
 * Claims as hosts make them, from the question to the job: caps, turn, lease, tokens, prompt and audit, and the commit that the run stands
 * on. One round more than is counted warms up. @returns ms for each claim, of each round
 */
async function inRounds(
  rig: QueueRig,
  { servers, hostsEach }: { servers: number; hostsEach: number },
  queued: number,
): Promise<number[]> {
  const desks = await openDesks(rig, servers, hostsEach);
  const count = Math.max(CLAIMS_MIN, servers * hostsEach * CLAIMS_EACH);
  try {
    const times: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      await rig.fillTo(queued + count);
      const took = await desks.claim(count);
      if (round > 0) times.push(took);
      await endAll(rig);
    }
    return times;
  } finally {
    await desks.close();
  }
}

async function endAll({ database }: QueueRig): Promise<void> {
  await database.kysely
    .updateTable("runs")
    .set({ status: "succeeded", reason: "completed", lease_expires_at_ms: null, phase: null })
    .where("status", "=", "running")
    .execute();
}

/** From the request that assigns an item to the answer of a host's waiting claim. */
async function measureWakeUp(report: BenchReport, engine: BenchEngine): Promise<void> {
  const server = await startTestServer();
  try {
    const { hosts, assign } = await prepareHosts(server);
    const times: number[] = [];
    for (let at = 0; at < ASSIGNMENTS; at++) {
      const host = hosts[at % hosts.length];
      assert(host !== undefined, "a host waits");
      const waiting = host.claimed("25s").then((job) => ({ job, atMs: performance.now() }));
      await Bun.sleep(SETTLED_MS);
      const startedMs = performance.now();
      await assign();
      const { job, atMs } = await waiting;
      times.push(atMs - startedMs);
      await endRun(server, job.run_id);
    }
    const sorted = [...times].sort((a, b) => a - b);
    const subject = { bench: "queue", unit: "ms" } as const;
    report.figure(
      absoluteFigure(
        { ...subject, metric: `${engine}: assignment to claim over HTTP, p50`, bar: ENQUEUE_MS_P50_MAX },
        times,
      ),
    );
    const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
    report.figure(
      absoluteFigure(
        { ...subject, metric: `${engine}: assignment to claim over HTTP, p99`, bar: ENQUEUE_MS_P99_MAX },
        [p99],
      ),
    );
  } finally {
    await server.close();
  }
}

async function prepareHosts(server: TestServer): Promise<{ hosts: TestHost[]; assign(): Promise<unknown> }> {
  const admin = await server.setUp();
  const workspace = await createTestWorkspace(admin, "BENCH");
  const pool = await createPool(admin, { name: `bench-${randomBytes(4).toString("hex")}` });
  await admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { pool: pool.name });
  const hosts: TestHost[] = [];
  while (hosts.length < WAITING_HOSTS) hosts.push(await addHost(server, admin, pool));
  return {
    hosts,
    assign: () => createItem(admin, workspace.key, { assignee_id: workspace.agent.id }),
  };
}

async function endRun(server: TestServer, run: number): Promise<void> {
  await server.database.kysely
    .updateTable("runs")
    .set({ status: "succeeded", reason: "completed", lease_expires_at_ms: null, phase: null })
    .where("id", "=", run)
    .execute();
}
