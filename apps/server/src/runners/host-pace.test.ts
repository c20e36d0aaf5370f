import { expect, test } from "bun:test";
import { HostPace, type HostRequestKind } from "./host-pace.ts";

function accepted(pace: HostPace, times: number, kind: HostRequestKind = "events", capacity = 1): number {
  let count = 0;
  for (let at = 0; at < times; at++)
    try {
      pace.require(1, kind, capacity);
      count++;
    } catch {
      // Over the pace.
    }
  return count;
}

/** Tries once a ms for a minute. @returns how many were let in after the first ten seconds */
function floodForMinute(pace: HostPace, kind: HostRequestKind, tick: () => void): number {
  let late = 0;
  for (let ms = 0; ms < 60_000; ms++) {
    tick();
    const count = accepted(pace, 1, kind);
    if (ms >= 10_000) late += count;
  }
  return late;
}

for (const kind of ["claim", "events"] as const)
  test(`a flood of ${kind} is let in with nothing, until it waits as long as it is told to`, () => {
    let now = 0;
    const pace = new HostPace(() => now);
    expect(floodForMinute(pace, kind, () => now++)).toBe(0);
    now += 1_000;
    expect(accepted(pace, 10, kind)).toBeOneOf([1, 2]);
    now += 1_000;
    expect(accepted(pace, 1, kind)).toBe(1);
  });

test("a host that floods with heartbeats is held to their pace and not shut out, since it would lose its runs", () => {
  let now = 0;
  const pace = new HostPace(() => now);
  const aSecond = floodForMinute(pace, "control", () => now++) / 50;
  expect(aSecond).toBeGreaterThan(10);
  expect(aSecond).toBeLessThan(11);
});

test("a host that was quiet has its burst again, and hosts do not share one", () => {
  let now = 0;
  const pace = new HostPace(() => now);
  expect(accepted(pace, 1_000)).toBe(150);
  expect(() => pace.require(2, "events", 1)).not.toThrow();
  now += 6_000;
  expect(accepted(pace, 1_000)).toBe(150);
});

test("a flood is refused by its credential alone, and counted, until its pace lets it in again, and nobody else is", () => {
  let now = 0;
  const pace = new HostPace(() => now);
  pace.found("a", 1);
  pace.found("b", 2);
  expect(pace.turnsAway("a", "events")).toBe(false);
  expect(accepted(pace, 1_000)).toBe(150);
  expect(pace.turnsAway("a", "events")).toBe(true);
  for (const other of ["b", "nobody's"]) expect(pace.turnsAway(other, "events")).toBe(false);
  now += 1_000;
  expect(pace.turnsAway("a", "events")).toBe(false);
  expect(accepted(pace, 1_000)).toBe(1);
});

test("a host that floods with one kind of request is served in the others", () => {
  const pace = new HostPace(() => 0);
  accepted(pace, 1_000, "claim");
  pace.found("a", 1);
  expect(pace.turnsAway("a", "claim")).toBe(true);
  for (const kind of ["events", "control"] as const) expect(pace.turnsAway("a", kind)).toBe(false);
});

test("claims have one pace whatever size a host says it has, after as many at once as fill it; events have that of its size", () => {
  let now = 0;
  for (const [capacity, atOnce] of [
    [1, 20],
    [100, 100],
  ] as const) {
    const pace = new HostPace(() => now);
    expect(accepted(pace, atOnce, "claim", capacity)).toBe(atOnce);
    now += 1_000;
    expect(accepted(pace, 6, "claim", capacity)).toBe(5);
    now += 3_600_000;
    expect(accepted(pace, 10_000, "claim", capacity)).toBe(atOnce);
  }
  expect(accepted(new HostPace(() => 0), 10_000, "events", 100)).toBe(5 * 1_020);
});

test("requests that are refused for what they say are let in three times a second, however large the host", () => {
  let now = 0;
  const pace = new HostPace(() => now);
  const refused = () => {
    let count = 0;
    for (; accepted(pace, 1, "events", 100) === 1; count++) pace.fine(1, "events", "wrong");
    return count;
  };
  expect(refused()).toBe(15);
  now += 1_000;
  expect(refused()).toBe(3);
});

test("many that are refused at once shut a host out for a second, not longer", () => {
  let now = 0;
  const pace = new HostPace(() => now);
  pace.found("a", 1);
  expect(accepted(pace, 5_000, "events", 100)).toBe(5_000);
  for (let at = 0; at < 5_000; at++) pace.fine(1, "events", "wrong");
  now += 990;
  expect(pace.turnsAway("a", "events")).toBe(true);
  now += 20;
  expect(pace.turnsAway("a", "events")).toBe(false);
});

test("a host that loses all its attempts goes on, and one that floods with what it does not hold is slowed down", () => {
  let now = 0;
  for (const capacity of [1, 100]) {
    const pace = new HostPace(() => now);
    const lost = (times: number) => {
      let count = 0;
      for (let at = 0; at < times; at++)
        if (accepted(pace, 1, "events", capacity) === 1) {
          count++;
          pace.fine(1, "events", "lost");
        }
      return count;
    };
    expect(lost(4 * capacity)).toBe(4 * capacity);
    expect(accepted(pace, 10, "events", capacity)).toBe(10);
    lost(2_000);
    now += 1_000;
    expect(lost(2_000)).toBeLessThanOrEqual(10 + capacity + 2);
  }
});

test("hosts that were quiet for ten minutes are forgotten, those that were not are kept", () => {
  let now = 0;
  const pace = new HostPace(() => now);
  for (const host of [1, 2]) pace.found(`of ${host}`, host);
  for (let at = 0; at < 200; at++) for (const host of [1, 2]) tryOnce(() => pace.require(host, "claim", 1));
  now += 600_000;
  pace.require(2, "claim", 1);
  now += 1;
  pace.require(3, "claim", 1);
  for (let at = 0; at < 19; at++) pace.require(2, "claim", 1);
  expect(pace.turnsAway("of 2", "claim")).toBe(true);
  expect(pace.turnsAway("of 1", "claim")).toBe(false);
});

function tryOnce(work: () => void): void {
  try {
    work();
  } catch {
    // Over the pace.
  }
}
