import { expect, test } from "bun:test";
import type { JobSpec } from "@windshift/contract/job.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { fastClock } from "@windshift/testing/fast-clock.ts";
import { jobFixture } from "@windshift/testing/job-fixture.ts";
import type { JobEnd } from "./job.ts";
import { type RunnerLoopOptions, runnerLoop } from "./runner-loop.ts";

const REPORTED: JobEnd = { kind: "lease_lost" };

/** A loop over `count` jobs, each of which ends when the test says so. */
async function loopOf(count: number, over: Partial<RunnerLoopOptions> = {}) {
  const fixture = await jobFixture("");
  await fixture.dispose();
  const drain = new AbortController();
  const cancel = new AbortController();
  const running: { job: JobSpec; end: () => void; cancel: AbortSignal }[] = [];
  const log: string[] = [];
  const write = (message: string) => void log.push(message);
  let left = count;
  let claims = 0;
  let most = 0;
  const options: RunnerLoopOptions = {
    source: {
      claim: async (signal) => {
        claims++;
        if (left-- > 0) return fixture.job;
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        return null;
      },
    },
    run: (job, signal) => {
      const ended = Promise.withResolvers<JobEnd>();
      const entry = { job, end: () => ended.resolve(REPORTED), cancel: signal };
      signal.addEventListener("abort", entry.end, { once: true });
      running.push(entry);
      most = Math.max(most, running.length);
      return ended.promise.finally(() => running.splice(running.indexOf(entry), 1));
    },
    capacity: 2,
    idleMs: 10,
    clock: fastClock(100),
    log: { info: write, warn: write, error: write },
    ...over,
  };
  const ended = runnerLoop(options, { drain: drain.signal, cancel: cancel.signal });
  return { ended, drain, cancel, running, log, claims: () => claims, most: () => most };
}

test("never runs more jobs than its capacity and takes the next when one ends", async () => {
  const loop = await loopOf(3);
  await eventually("two jobs run", () => loop.running.length === 2);
  expect(loop.claims()).toBe(2);
  loop.running[0]?.end();
  await eventually("the third claim was made", () => loop.claims() === 3 && loop.running.length === 2);
  expect(loop.most()).toBe(2);
  loop.cancel.abort();
  await loop.ended;
});

test("a drain takes no more jobs and waits for those that run", async () => {
  const loop = await loopOf(1);
  await eventually("one job is left", () => loop.running.length === 1 && loop.claims() === 2);
  loop.drain.abort();
  let over = false;
  void loop.ended.then(() => {
    over = true;
  });
  await Bun.sleep(0);
  expect([over, loop.running[0]?.cancel.aborted]).toEqual([false, false]);
  loop.running[0]?.end();
  await loop.ended;
  expect(loop.claims()).toBe(2);
});

test("a cancel ends the running jobs too", async () => {
  const loop = await loopOf(2);
  await eventually("two jobs run", () => loop.running.length === 2);
  loop.cancel.abort();
  await loop.ended;
  expect(loop.running).toEqual([]);
});

test("survives claims that fail and jobs that reject", async () => {
  const fixture = await jobFixture("");
  await fixture.dispose();
  let claims = 0;
  const drain = new AbortController();
  const loop = await loopOf(0, {
    source: {
      claim: async () => {
        claims++;
        if (claims <= 2) throw new Error("server away");
        if (claims === 5) drain.abort();
        return claims === 3 ? fixture.job : null;
      },
    },
    run: () => Promise.reject(new Error("a bug")),
  });
  await eventually("the fifth claim was made", () => claims >= 5);
  loop.drain.abort();
  await loop.ended;
  expect(loop.log.filter((line) => line.startsWith("no job could be claimed"))).toHaveLength(2);
  expect(loop.log).toContain("a job ended with an error");
});
