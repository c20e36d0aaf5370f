import type { JobSpec } from "@windshift/contract/job.ts";
import { EVENT_BATCH_MAX } from "@windshift/contract/limits.ts";
import type { ServerProcess } from "@windshift/testing/server-process.ts";
import type { Bench, BenchReport } from "../bench.ts";
import { type BenchHost, createBenchPool } from "../bench-host.ts";
import { absoluteFigure } from "../figure.ts";
import type { BenchEngine } from "./each-engine.ts";
import { onEachServer } from "./each-server.ts";

/** Bars. Source: PERFORMANCE, "Queue and runners": 3,000 events a second on SQLite, 5,000 on PostgreSQL; p99 of an acknowledgement. */
const EVENT_MICROS_MAX: Record<BenchEngine, number> = { SQLite: 1e6 / 3_000, PostgreSQL: 1e6 / 5_000 };
const ACK_MS_P99_MAX = 500;
/** Attempts that send at once, each the next batch when the last was acknowledged; of many hosts, since each host has a pace, by its size. */
const HOSTS = 8;
const CAPACITY = 40;
const ATTEMPTS_EACH = 2;
const ROUNDS = 5;
const ROUND_MS = 4_000;
const TEXT = "a line of output as a build prints it, some eighty characters long, more or less\n";

export const events: Bench = {
  name: "events",
  about: "events of many attempts over HTTP, acknowledged when they are durable",
  run: (report) =>
    onEachServer(report, async (engine, server, projectDir) =>
      measure(report, engine, await claimAttempts(server, projectDir)),
    ),
};

/** Sends events of one attempt. */
interface Sender {
  /** The next batch; resolves when it is acknowledged. @returns ms */
  send(): Promise<number>;
}

async function measure(report: BenchReport, engine: BenchEngine, senders: readonly Sender[]): Promise<void> {
  const perEvent: number[] = [];
  const acks: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const startedMs = performance.now();
    let batches = 0;
    await Promise.all(
      senders.map(async (sender) => {
        while (performance.now() - startedMs < ROUND_MS) {
          const ackMs = await sender.send();
          batches++;
          if (round > 0) acks.push(ackMs);
        }
      }),
    );
    const tookMs = performance.now() - startedMs;
    if (round > 0) perEvent.push((tookMs * 1_000) / (batches * EVENT_BATCH_MAX));
    report.progress(`${engine}: ${((batches * EVENT_BATCH_MAX * 1_000) / tookMs).toFixed(0)} events/s`);
  }
  const subject = { bench: "events" } as const;
  report.figure(
    absoluteFigure(
      { ...subject, unit: "µs", metric: `${engine}: time of an event`, bar: EVENT_MICROS_MAX[engine] },
      perEvent,
    ),
  );
  const p99 = acks.sort((a, b) => a - b)[Math.floor(acks.length * 0.99)] ?? Number.NaN;
  report.figure(
    absoluteFigure(
      { ...subject, unit: "ms", metric: `${engine}: acknowledgement, p99`, bar: ACK_MS_P99_MAX },
      [p99],
    ),
  );
}

async function claimAttempts(server: ServerProcess, projectDir: string): Promise<Sender[]> {
  const { workspace, addHost } = await createBenchPool(server, projectDir);
  const senders: Sender[] = [];
  for (let at = 0; at < HOSTS; at++) {
    const host = await addHost(CAPACITY);
    for (let n = 0; n < ATTEMPTS_EACH; n++) {
      await workspace.createItem({ title: `Bench ${at}-${n}`, description: "" }, true);
      senders.push(senderOf(host, await host.claim()));
    }
  }
  return senders;
}

function senderOf(host: BenchHost, job: JobSpec): Sender {
  let seq = 0;
  return {
    send: async () => {
      const at = new Date().toISOString();
      const batch = Array.from({ length: EVENT_BATCH_MAX }, () => ({
        seq: ++seq,
        at,
        type: "stdout",
        data: { text: TEXT },
      }));
      const startedMs = performance.now();
      await host.sendEvents(job, batch);
      return performance.now() - startedMs;
    },
  };
}
