import { expect, test } from "bun:test";
import { AppError } from "@windshift/contract/app-error.ts";
import { PARTITION_MS_MAX } from "@windshift/contract/limits.ts";
import { buildJob } from "@windshift/testing/jobs.ts";
import { ManualClock } from "@windshift/testing/manual-clock.ts";
import { MemoryControlPlane } from "@windshift/testing/memory-control-plane.ts";
import { keepLease } from "./heartbeat.ts";

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A job whose heartbeats are answered by `renew`, given the time since its start, ms. */
function leaseOf(
  renew: (sinceMs: number) => Promise<"held" | "lease_lost">,
  over: { partition?: false; intervalMs?: number } = {},
) {
  const clock = new ManualClock();
  const said: string[] = [];
  const done = new AbortController();
  const controlPlane = new MemoryControlPlane();
  controlPlane.renew = () => renew(clock.nowMs());
  const partition = { afterMs: PARTITION_MS_MAX, onPartitioned: () => void said.push("partitioned") };
  const options = {
    controlPlane,
    clock,
    log: SILENT,
    intervalMs: over.intervalMs ?? 1_000,
    onLeaseLost: () => void said.push("lease lost"),
    partition: over.partition === false ? undefined : partition,
  };
  const ended = keepLease(buildJob(), options, done.signal).then(() => void said.push("ended"));
  return { clock, said, done, ended };
}
const away = () => Promise.reject(new Error("away"));

test("F14 a server that is silent for four minutes ends the job, once, and not a moment earlier", async () => {
  const lease = leaseOf(away);
  await lease.clock.pass(PARTITION_MS_MAX - 1);
  expect(lease.said).toEqual([]);
  await lease.clock.pass(1);
  expect(lease.said).toEqual(["partitioned", "ended"]);
  await lease.clock.pass(PARTITION_MS_MAX);
  expect(lease.said).toHaveLength(2);
});

test("F14 requests that never get an answer are silence, too", async () => {
  const lease = leaseOf(() => new Promise(() => undefined), { intervalMs: 30_000 });
  await lease.clock.pass(PARTITION_MS_MAX - 1);
  expect(lease.said).toEqual([]);
  await lease.clock.pass(1);
  expect(lease.said).toEqual(["partitioned", "ended"]);
});

test("F14 an answer at 3:59 keeps the job alive, for four minutes from then", async () => {
  const answeredMs: number[] = [];
  const lease = leaseOf(async (sinceMs) => {
    if (sinceMs < 239_000 || answeredMs.length > 0) return await away();
    answeredMs.push(sinceMs);
    return "held";
  });
  await lease.clock.pass(PARTITION_MS_MAX);
  const [answered = 0] = answeredMs;
  expect(answered).toBeGreaterThanOrEqual(239_000);
  expect(lease.said).toEqual([]);
  await lease.clock.pass(answered - 1);
  expect(lease.said).toEqual([]);
  await lease.clock.pass(1);
  expect(lease.said).toEqual(["partitioned", "ended"]);
});

test("a runner that is never parted from its server waits for it without limit", async () => {
  const lease = leaseOf(async (sinceMs) => (sinceMs < 3_600_000 ? await away() : "lease_lost"), {
    partition: false,
  });
  await lease.clock.pass(3_599_000);
  expect(lease.said).toEqual([]);
  await lease.clock.pass(3_000);
  expect(lease.said).toEqual(["lease lost", "ended"]);
});

test("waits as long as the server asks, for a minute at most", async () => {
  const triedMs: number[] = [];
  const lease = leaseOf(
    async (sinceMs) => {
      triedMs.push(sinceMs);
      throw new AppError("rate_limited", "slower", { retryAfterS: triedMs.length === 1 ? 20 : 600 });
    },
    { partition: false },
  );
  await lease.clock.pass(82_000);
  expect(triedMs).toEqual([1_000, 21_000, 81_000]);
  lease.done.abort();
  await lease.ended;
});

test("a job that ended hears nothing of a silence that went on", async () => {
  const lease = leaseOf(away);
  await lease.clock.pass(PARTITION_MS_MAX - 1_000);
  lease.done.abort();
  await lease.ended;
  await lease.clock.pass(PARTITION_MS_MAX);
  expect(lease.said).toEqual(["ended"]);
});
