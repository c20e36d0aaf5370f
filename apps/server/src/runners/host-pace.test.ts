import { expect, test } from "bun:test";
import { HostPace } from "./host-pace.ts";

function accepted(pace: HostPace, times: number): number {
  let count = 0;
  for (let at = 0; at < times; at++)
    try {
      pace.require(1, 1);
      count++;
    } catch {
      // Over the pace.
    }
  return count;
}

test("a host that floods for a minute is held to its pace and never shut out", () => {
  let now = 0;
  const pace = new HostPace(() => now);
  const perSecond: number[] = [];
  for (let second = 0; second < 60; second++) {
    let count = 0;
    for (let step = 0; step < 1_000; step++) {
      now += 1;
      count += accepted(pace, 1);
    }
    perSecond.push(count);
  }
  expect(perSecond[0]).toBeGreaterThan(100);
  for (const count of perSecond.slice(10)) expect([29, 30, 31]).toContain(count);
});

test("a host that was quiet has its burst again, and hosts do not share one", () => {
  let now = 0;
  const pace = new HostPace(() => now);
  expect(accepted(pace, 1_000)).toBe(150);
  expect(() => pace.require(2, 1)).not.toThrow();
  now += 5_000;
  expect(accepted(pace, 1_000)).toBe(150);
});

test("a flood is refused by its credential alone, until its pace lets it in again, and nobody else is", () => {
  let now = 0;
  const pace = new HostPace(() => now);
  pace.found("a", 1);
  pace.found("b", 2);
  expect(() => pace.requireEarly("a")).not.toThrow();
  expect(accepted(pace, 1_000)).toBe(150);
  expect(() => pace.requireEarly("a")).toThrow("too many requests");
  for (const other of ["b", "nobody's"]) expect(() => pace.requireEarly(other)).not.toThrow();
  now += 1_000;
  expect(() => pace.requireEarly("a")).not.toThrow();
  expect(accepted(pace, 1_000)).toBe(30);
});
