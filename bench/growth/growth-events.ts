import { EVENT_BATCH_MAX, EVENT_PAGE } from "@windshift/contract/limits.ts";
import { appendEvents, listEvents } from "../../apps/server/src/runs/run-events.ts";
import { fillEvents } from "../../apps/server/src/testing/event-fill.ts";
import type { BenchReport } from "../bench.ts";
import { timed } from "../measure.ts";
import { onEachEngine } from "../queue/each-engine.ts";
import { createQueueRig, type QueueRig } from "../queue/queue-rig.ts";
import { type Point, reportCurve, sizesUpTo } from "./report-curve.ts";

/** Events that are stored: up to what a busy installation gathers in months. */
const STORED = [1_000, 100_000, 1_000_000, 10_000_000];
/** Runs they belong to, besides the one that is live: so few that a page is full at every size. */
const RUNS = 4;
const ROUNDS = 20;
const HOUR_MS = 3_600_000;
const TEXT = "a line of output as a build prints it, some eighty characters long, more or less";

/** What it costs to append a batch and to read a page, by the events that are stored. */
export async function growEvents(report: BenchReport): Promise<void> {
  await onEachEngine(report, async (engine) => {
    const rig = await createQueueRig();
    try {
      const { live, old } = await makeRuns(rig);
      const appends: Point[] = [];
      const reads: Point[] = [];
      let stored = 0;
      let seq = 0;
      for (const size of sizesUpTo(STORED, report)) {
        report.progress(`${engine}: storing events up to ${size}`);
        await fillEvents(rig.database, old, stored, size, JSON.stringify({ text: TEXT }));
        stored = size;
        const times = { append: [] as number[], read: [] as number[] };
        for (let round = 0; round <= ROUNDS; round++) {
          const batch = batchFrom(seq + 1);
          const appendMs = await timed(() => appendEvents(rig.database, live, 1, batch));
          seq += batch.length;
          const readMs = await readPage(rig, old, stored, round);
          if (round > 0) times.append.push(appendMs);
          if (round > 0) times.read.push(readMs);
        }
        appends.push({ size, samples: times.append });
        reads.push({ size, samples: times.read });
      }
      const shape = { unit: "ms", of: "stored events", costOf: "one" } as const;
      reportCurve(report, `${engine}: a batch of ${EVENT_BATCH_MAX} is appended`, shape, appends);
      reportCurve(report, `${engine}: a page of ${EVENT_PAGE} is read`, shape, reads);
    } finally {
      await rig.close();
    }
  });
}

/** Many runs that are over, and one that a runner holds. */
async function makeRuns(rig: QueueRig): Promise<{ live: number; old: number[] }> {
  const db = rig.database.kysely;
  await rig.fillTo(RUNS + 1);
  const rows = await db
    .selectFrom("runs")
    .select("id")
    .orderBy("id")
    .limit(RUNS + 1)
    .execute();
  const [live, ...old] = rows.map(({ id }) => id);
  if (live === undefined) throw new Error("there is no run");
  const held = { status: "running", attempt: 1, runner_id: rig.runner } as const;
  await db
    .updateTable("runs")
    .set({ ...held, lease_expires_at_ms: Date.now() + HOUR_MS })
    .where("id", "=", live)
    .execute();
  return { live, old };
}

/** A page from the middle of a transcript, of another run each time. @returns ms */
async function readPage(
  rig: QueueRig,
  runs: readonly number[],
  stored: number,
  round: number,
): Promise<number> {
  const db = rig.database.kysely;
  const run = runs[round % runs.length] ?? 0;
  const each = Math.floor(stored / runs.length);
  const seq = each < 2 * EVENT_PAGE ? 0 : Math.floor(each / 2);
  const middle = await db
    .selectFrom("run_events")
    .select("id")
    .where("run_id", "=", run)
    .where("attempt", "=", 1)
    .where("seq", "=", seq)
    .executeTakeFirst();
  let read = 0;
  const ms = await timed(async () => {
    read = (await listEvents(db, run, middle?.id ?? 0, EVENT_PAGE)).length;
  });
  if (read !== EVENT_PAGE) throw new Error(`the page of run ${run} has ${read} events`);
  return ms;
}

function batchFrom(first: number) {
  const at = new Date().toISOString();
  return Array.from({ length: EVENT_BATCH_MAX }, (_, n) => ({
    seq: first + n,
    at,
    type: "stdout" as const,
    data: { text: TEXT },
  }));
}
