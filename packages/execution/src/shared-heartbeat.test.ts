import { expect, test } from "bun:test";
import { buildJob } from "@windshift/testing/jobs.ts";
import type { HeldRun } from "./control-plane.ts";
import { HEARTBEAT_FAILED_SHARED_MS, HEARTBEAT_SHARED_MS, SharedHeartbeat } from "./shared-heartbeat.ts";

const first: HeldRun = buildJob({ run: 7 });
const second: HeldRun = buildJob({ run: 8 });
const third: HeldRun = buildJob({ run: 9 });
const JOBS = [first, second, third];

function heartbeatOf(answer: (held: readonly HeldRun[]) => Promise<readonly HeldRun[]> = async () => []) {
  const requests: number[][] = [];
  const time = { nowMs: 0 };
  const shared = new SharedHeartbeat(
    (held) => {
      requests.push(held.map((job) => job.run_id));
      return answer(held);
    },
    () => time.nowMs,
  );
  return { shared, requests, time };
}

test("jobs that began at different moments share one heartbeat from the second one on", async () => {
  const { shared, requests, time } = heartbeatOf();
  const nextMs = new Map([first, second, third].map((job, i) => [job, i * 3_000]));
  for (const job of nextMs.keys()) shared.hold(job);
  for (time.nowMs = 0; time.nowMs < 300_000; time.nowMs += 1_000) {
    for (const [job, ms] of nextMs) {
      if (ms > time.nowMs) continue;
      expect(await shared.renew(job)).toBe("held");
      nextMs.set(job, time.nowMs + 30_000);
    }
  }
  expect(requests).toHaveLength(10);
  for (const held of requests) expect(held).toEqual([7, 8, 9]);
});

test("each job hears of its own loss only", async () => {
  const { shared, requests } = heartbeatOf(async () => [second]);
  for (const job of JOBS) shared.hold(job);
  expect(await Promise.all(JOBS.map((job) => shared.renew(job)))).toEqual(["held", "lease_lost", "held"]);
  expect(requests).toHaveLength(1);
});

test("a job that no heartbeat named yet is asked for at once, and one that ended no more", async () => {
  const { shared, requests } = heartbeatOf();
  await shared.renew(first);
  await shared.renew(second);
  shared.release(first);
  shared.hold(third);
  await shared.renew(third);
  expect(requests).toEqual([[7], [7, 8], [8, 9]]);
});

test("in an outage a host asks once a second, however many jobs it has, and an old heartbeat answers nobody", async () => {
  let away = true;
  const { shared, requests, time } = heartbeatOf(async () => {
    if (away) throw new Error("away");
    return [];
  });
  for (const job of JOBS) shared.hold(job);
  for (let i = 0; i < 2; i++) {
    for (const job of JOBS) await expect(shared.renew(job)).rejects.toThrow("away");
    time.nowMs += HEARTBEAT_FAILED_SHARED_MS;
  }
  expect(requests).toHaveLength(2);
  away = false;
  expect(await shared.renew(first)).toBe("held");
  time.nowMs += HEARTBEAT_SHARED_MS;
  expect(await shared.renew(second)).toBe("held");
  expect(requests).toHaveLength(4);
});

test("a job whose lease is lost is named no more, also when it asked after it was released", async () => {
  const { shared, requests } = heartbeatOf(async () => [first]);
  shared.hold(first);
  shared.release(first);
  expect(await shared.renew(first)).toBe("lease_lost");
  await shared.renew(second);
  expect(requests).toEqual([[7], [8]]);
});
