import { expect, test } from "bun:test";
import { TryLimit } from "./try-limit.ts";

test("each caller has so many tries in a span of time, and is told when there are more", () => {
  let now = 0;
  const limit = new TryLimit({ tries: 2, windowMs: 60_000 }, () => now);
  limit.require("a");
  limit.require("a");
  now = 10_000;
  expect(() => limit.require("a")).toThrow("try again in 50 s");
  limit.require("b");
  limit.require(undefined);
  now = 60_000;
  limit.require("a");
});

test("a flood of callers does not take memory without end, and forgets the oldest first", () => {
  const limit = new TryLimit({ tries: 1, windowMs: 60_000 }, () => 0);
  for (let n = 0; n <= 10_000; n++) limit.require(`caller ${n}`);
  limit.require("caller 0");
  expect(() => limit.require("caller 10000")).toThrow("too many tries");
});

test("a host has no more tries for taking other addresses of its network", () => {
  const limit = new TryLimit({ tries: 2, windowMs: 60_000 }, () => 0);
  limit.require("2001:db8::1");
  limit.require("2001:db8::2");
  expect(() => limit.require("2001:db8::3")).toThrow("too many tries");
  limit.require("2001:db8:0:1::1");
});

test("a look whether there are tries left costs none", () => {
  let now = 0;
  const limit = new TryLimit({ tries: 1, windowMs: 60_000 }, () => now);
  limit.requireOpen("a");
  limit.requireOpen("a");
  limit.require("a");
  now = 20_000;
  expect(() => limit.requireOpen("a")).toThrow("try again in 40 s");
  limit.requireOpen("b");
  now = 60_000;
  limit.requireOpen("a");
});
