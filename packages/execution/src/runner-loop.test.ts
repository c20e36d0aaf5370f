import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { JobSpec } from "@windshift/contract/job.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { fastClock } from "@windshift/testing/fast-clock.ts";
import { jobFixture } from "@windshift/testing/job-fixture.ts";
import { type JobEnd, runJob } from "./job.ts";
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

test("fills its places as fast as claims are answered, with one claim open at a time", async () => {
  const fixture = await jobFixture("");
  await fixture.dispose();
  const waiting: ((job: JobSpec | null) => void)[] = [];
  let open = 0;
  let most = 0;
  const claim = async (signal: AbortSignal) => {
    most = Math.max(most, ++open);
    const answer = Promise.withResolvers<JobSpec | null>();
    waiting.push(answer.resolve);
    signal.addEventListener("abort", () => answer.resolve(null), { once: true });
    return await answer.promise.finally(() => open--);
  };
  const loop = await loopOf(0, { source: { claim }, capacity: 4 });
  for (let jobs = 1; jobs <= 4; jobs++) {
    await eventually(`claim ${jobs} is open`, () => waiting.length === jobs);
    waiting.at(-1)?.(fixture.job);
    await eventually(`${jobs} jobs run`, () => loop.running.length === jobs);
  }
  expect([waiting.length, most]).toEqual([4, 1]);
  loop.running[0]?.end();
  loop.running[1]?.end();
  await eventually("a place is free and asked for", () => waiting.length === 5);
  expect([open, most]).toEqual([1, 1]);
  loop.cancel.abort();
  await loop.ended;
});

test("a job whose claim is answered after the drain began is run to its end", async () => {
  const fixture = await jobFixture("");
  await fixture.dispose();
  const answer = Promise.withResolvers<JobSpec | null>();
  let claims = 0;
  const claim = () => {
    claims++;
    return answer.promise;
  };
  const loop = await loopOf(0, { source: { claim } });
  await eventually("a claim is open", () => claims === 1);
  loop.drain.abort();
  answer.resolve(fixture.job);
  await eventually("the job runs", () => loop.running.length === 1);
  expect(loop.running[0]?.cancel.aborted).toBe(false);
  loop.running[0]?.end();
  await loop.ended;
  expect(claims).toBe(1);
});

test("a runner for one job asks until it has one, runs it to its end and is done", async () => {
  const fixture = await jobFixture("");
  await fixture.dispose();
  const answers = [null, null, fixture.job, fixture.job];
  const claim = async () => answers.shift() ?? null;
  const loop = await loopOf(0, { source: { claim }, capacity: 4, once: true });
  await eventually("the job runs", () => loop.running.length === 1);
  let over = false;
  void loop.ended.then(() => {
    over = true;
  });
  await Bun.sleep(0);
  expect(over).toBe(false);
  loop.running[0]?.end();
  await loop.ended;
  expect([answers.length, loop.most()]).toEqual([1, 1]);
});

test("a drain lets a job keep its lease and report", async () => {
  const fixture =
    await jobFixture(`read -r prompt; echo begun; while ! test -e "$(cat go)"; do sleep 0.05; done
echo '{"type":"finish","outcome":"completed","summary":"all done"}'; echo '{"type":"session_idle"}'`);
  const go = join(await fixture.makeFolder(), "go");
  const { prepare } = fixture.checkout;
  fixture.checkout.prepare = async (...args) => {
    const reply = await prepare.apply(fixture.checkout, args);
    await writeFile(join(args[1].checkout, "go"), go);
    return reply;
  };
  const jobs = [fixture.job];
  const loop = await loopOf(0, {
    source: { claim: async () => jobs.shift() ?? null },
    run: (job, cancel) => runJob(job, fixture.deps, { cancel }),
  });
  await eventually("the agent works", () => fixture.server.dataOf("stdout").length > 0);
  loop.drain.abort();
  const before = fixture.server.renewals;
  await eventually("heartbeats go on", () => fixture.server.renewals > before + 3);
  await writeFile(go, "");
  await loop.ended;
  expect(fixture.server.results).toMatchObject([{ outcome: "completed", failure: null }]);
  await fixture.dispose();
}, 60_000);
