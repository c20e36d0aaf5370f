import { expect, test } from "bun:test";
import { PARTITION_MS_MAX } from "@windshift/contract/limits.ts";
import { CallPatience } from "./call-patience.ts";
import { brokenReply, failureOf, noAnswer } from "./model-failure.ts";

const AWAY = noAnswer("http://model.test", Object.assign(new Error(), { code: "ECONNREFUSED" }));
const BUSY = failureOf(
  503,
  JSON.stringify({ error: { code: "overloaded", message: "m" } }),
  new Headers(),
  0,
);
const BROKEN = brokenReply("cut");

/** All waits until there are no more. */
function waits(patience: CallPatience, isReached: boolean): number[] {
  const all: number[] = [];
  for (let wait = patience.waitAfter(AWAY, isReached, 0); wait !== undefined; ) {
    all.push(wait);
    wait = patience.waitAfter(AWAY, isReached, 0);
  }
  return all;
}
const sumOf = (all: number[]) => all.reduce((sum, ms) => sum + ms, 0);

test("a server that is away is waited for as long as a runner would, one that was never reached for seconds", () => {
  const known = waits(new CallPatience(3), true);
  expect(sumOf(known)).toBeGreaterThanOrEqual(PARTITION_MS_MAX);
  expect(sumOf(known)).toBeLessThan(PARTITION_MS_MAX + 5_001);
  expect(Math.max(...known)).toBeLessThanOrEqual(5_000);
  const unknown = waits(new CallPatience(3), false);
  expect(sumOf(unknown)).toBeGreaterThanOrEqual(5_000);
  expect(sumOf(unknown)).toBeLessThan(7_001);
});

test("times that it was away count as no tries, and make the waits after other faults no longer", () => {
  const patience = new CallPatience(3);
  for (let times = 0; times < 20; times++) expect(patience.waitAfter(AWAY, true, 0)).toBeDefined();
  expect(patience.waitAfter(BUSY, true, 0)).toBeLessThanOrEqual(2_000);
  expect(patience.waitAfter(BROKEN, true, 0)).toBeLessThanOrEqual(1_000);
  expect(patience.waitAfter(BROKEN, true, 0)).toBeUndefined();
});

test("what the tries take counts: a proxy that waits a minute each time is not asked fifty times", () => {
  const proxy = failureOf(504, "<html>", new Headers(), 0);
  const patience = new CallPatience(3);
  let tries = 1;
  while (patience.waitAfter(proxy, true, 60_000) !== undefined) tries++;
  expect(tries).toBe(4);
  expect(new CallPatience(3).waitAfter(AWAY, false, 130_000)).toBeUndefined();
});

test("a single try is the only one, and what a retry cannot change is final", () => {
  for (const failure of [AWAY, BUSY, BROKEN])
    expect(new CallPatience(1).waitAfter(failure, true, 0)).toBeUndefined();
  expect(new CallPatience(3).waitAfter({ ...AWAY, retry: false }, true, 0)).toBeUndefined();
});

test("the wait that a server asks for is kept to", () => {
  expect(new CallPatience(3).waitAfter({ ...BUSY, retryAfterMs: 90_000 }, true, 0)).toBe(90_000);
  expect(new CallPatience(3).waitAfter({ ...AWAY, retryAfterMs: 9_000 }, true, 0)).toBe(9_000);
});
