import { expect, test } from "bun:test";
import { AppError } from "@windshift/contract/app-error.ts";
import { buildJob } from "@windshift/testing/jobs.ts";
import { ManualClock } from "@windshift/testing/manual-clock.ts";
import { MemoryControlPlane } from "@windshift/testing/memory-control-plane.ts";
import { reportResult } from "./report.ts";
import { RETRY_AFTER_MS_MAX, retryWaitMs } from "./retry-wait.ts";
import { runnerLoop } from "./runner-loop.ts";
import { SPOOLED_RESULT } from "./spool-fixture.ts";

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };
const slower = (retryAfterS: number) => new AppError("rate_limited", "slower", { retryAfterS });

test("is the longer of our own wait and the server's, which is bounded", () => {
  expect(retryWaitMs(slower(30), 1, 500, 10_000)).toBe(30_000);
  expect(retryWaitMs(slower(86_400), 1, 500, 10_000)).toBe(RETRY_AFTER_MS_MAX);
  for (const error of [slower(1), new AppError("unavailable", "away"), new Error("broken")])
    expect(retryWaitMs(error, 20, 500, 10_000)).toBeGreaterThanOrEqual(5_000);
});

test("a result is reported again no sooner than the server asks", async () => {
  const clock = new ManualClock();
  const controlPlane = new MemoryControlPlane();
  const triedMs: number[] = [];
  controlPlane.report = async () => {
    triedMs.push(clock.nowMs());
    if (triedMs.length > 1) return "accepted";
    throw slower(15);
  };
  const deps = { controlPlane, clock, log: SILENT };
  const end = reportResult(buildJob(), SPOOLED_RESULT, deps, new AbortController().signal);
  await clock.pass(15_000);
  expect(await end).toBe("accepted");
  expect(triedMs).toEqual([0, 15_000]);
});

test("a job is claimed again no sooner than the server asks", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const triedMs: number[] = [];
  const claim = async () => {
    triedMs.push(clock.nowMs());
    throw slower(10);
  };
  const run = () => Promise.reject(new Error("there is no job"));
  const options = { source: { claim }, run, capacity: 1, idleMs: 0, clock, log: SILENT };
  const ended = runnerLoop(options, { drain: stop.signal, cancel: stop.signal });
  await clock.pass(20_500);
  expect(triedMs).toEqual([0, 10_000, 20_000]);
  stop.abort();
  await ended;
});
