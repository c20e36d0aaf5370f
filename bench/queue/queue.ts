import { randomBytes } from "node:crypto";
import { Attempt } from "@windshift/contract/ids.ts";

import { createRunTokens } from "../../apps/server/src/runs/run-tokens.ts";
import { claimOne } from "../../apps/server/src/testing/claim-one.ts";
import { addHost, createPool, type TestHost } from "../../apps/server/src/testing/test-host.ts";
import { startTestServer, type TestServer } from "../../apps/server/src/testing/test-server.ts";
import { createItem, createTestWorkspace } from "../../apps/server/src/testing/test-workspace.ts";
import type { Bench, BenchReport } from "../bench.ts";
import { absoluteFigure, relativeFigure } from "../figure.ts";
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
/** Claims that run at once, as from several servers. */
const CLAIMERS = 4;
const CLAIMS = 200;
const ROUNDS = 5;
const ASSIGNMENTS = 200;

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
    const few: number[] = [];
    const many: number[] = [];
    await rig.fillTo(QUEUED_FEW + CLAIMS);
    for (let round = 0; round < ROUNDS; round++) {
      await rig.fillTo(QUEUED_FEW + CLAIMS);
      few.push(await claims(rig, CLAIMS, 1));
    }
    const throughput: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await rig.fillTo(QUEUED + CLAIMS);
      throughput.push(await claims(rig, CLAIMS, CLAIMERS));
      report.progress(
        `${engine}: ${(1_000 / (throughput.at(-1) ?? 1)).toFixed(0)} claims/s with ${QUEUED} queued`,
      );
    }
    const subject = { bench: "queue", unit: "ms" } as const;
    report.figure(
      absoluteFigure(
        {
          ...subject,
          metric: `${engine}: a claim, ${CLAIMERS} at once, ${QUEUED} queued`,
          bar: CLAIM_MS_MAX[engine],
        },
        throughput,
      ),
    );
    for (let round = 0; round < ROUNDS; round++) {
      await rig.fillTo(QUEUED_MANY + CLAIMS);
      many.push(await claims(rig, CLAIMS, 1));
    }
    report.figure(
      relativeFigure(
        { ...subject, metric: `${engine}: a claim with ${QUEUED_MANY} queued`, bar: GROWTH_MAX },
        many,
        `with ${QUEUED_FEW} queued`,
        few,
      ),
    );
  } finally {
    await rig.close();
  }
}

/** What a claim is in the database: caps, turn, lease, tokens. @returns ms for each of them, on the wall; all of them end again */
async function claims(rig: QueueRig, count: number, atOnce: number): Promise<number> {
  const { database, pool, runner } = rig;
  let left = count;
  const claimer = async () => {
    while (left-- > 0) {
      const run = await claimOne(database, pool, runner, async (tx, run) => {
        await createRunTokens(tx, run.id, Attempt.parse(run.attempt));
        return run;
      });
      if (run === undefined) throw new Error("the queue is empty");
    }
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: atOnce }, claimer));
  const tookMs = performance.now() - startedMs;
  await database.kysely
    .updateTable("runs")
    .set({ status: "succeeded", reason: "completed", lease_expires_at_ms: null, phase: null })
    .where("status", "=", "running")
    .execute();
  return tookMs / count;
}

/** From the request that assigns an item to the answer of a host's waiting claim. */
async function measureWakeUp(report: BenchReport, engine: BenchEngine): Promise<void> {
  const server = await startTestServer();
  try {
    const { host, assign } = await prepareHost(server);
    const times: number[] = [];
    for (let at = 0; at < ASSIGNMENTS; at++) {
      const waiting = host.claimed("25s").then((job) => ({ job, atMs: performance.now() }));
      await Bun.sleep(5); // the claim waits by then
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

async function prepareHost(server: TestServer): Promise<{ host: TestHost; assign(): Promise<unknown> }> {
  const admin = await server.setUp();
  const workspace = await createTestWorkspace(admin, "BENCH");
  const pool = await createPool(admin, { name: `bench-${randomBytes(4).toString("hex")}` });
  await admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { pool: pool.name });
  return {
    host: await addHost(server, admin, pool),
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
