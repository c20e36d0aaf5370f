import type { BenchReport } from "../bench.ts";
import { openDesks } from "../queue/claim-desks.ts";
import { onEachEngine } from "../queue/each-engine.ts";
import { createQueueRig, type QueueRig } from "../queue/queue-rig.ts";
import { type Point, reportCurve, sizesUpTo } from "./report-curve.ts";

/** Runs that wait while one host claims. */
const QUEUED = [100, 1_000, 10_000, 100_000];
/** Claims of a sample. */
const CLAIMS = 50;
const ROUNDS = 3;

/** What a claim costs by the length of the queue. */
export async function growQueue(report: BenchReport): Promise<void> {
  await onEachEngine(report, async (engine) => {
    const rig = await createQueueRig();
    try {
      const points: Point[] = [];
      // By size: the table only grows.
      for (const size of sizesUpTo(QUEUED, report)) points.push({ size, samples: await claims(rig, size) });
      reportCurve(report, `${engine}: a claim`, { unit: "ms", of: "queued runs", costOf: "one" }, points);
    } finally {
      await rig.close();
    }
  });
}

/** @returns ms of a claim, of each round but the first */
async function claims(rig: QueueRig, queued: number): Promise<number[]> {
  const desks = await openDesks(rig, 1, 1);
  try {
    const times: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      await rig.fillTo(queued + CLAIMS);
      const took = await desks.claim(CLAIMS);
      if (round > 0) times.push(took);
      await rig.database.kysely
        .updateTable("runs")
        .set({ status: "succeeded", reason: "completed", lease_expires_at_ms: null, phase: null })
        .where("status", "=", "running")
        .execute();
    }
    return times;
  } finally {
    await desks.close();
  }
}
