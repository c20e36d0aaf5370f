import { expect, test } from "bun:test";
import { isDeeperThan } from "./json-depth.ts";

test("counts brackets outside strings only", () => {
  expect(isDeeperThan("[[1]]", 2)).toBe(false);
  expect(isDeeperThan("[[[1]]]", 2)).toBe(true);
  expect(isDeeperThan('{"a":{"b":[1]}}', 2)).toBe(true);
  expect(isDeeperThan("[[],[],[],[]]", 2)).toBe(false);
  expect(isDeeperThan(JSON.stringify(["[[[[", '"[[[[', '\\"[[[', "\\"]), 1)).toBe(false);
});

test("LB-14 finds a bomb behind strings that end in escapes, and survives text that is not JSON", () => {
  expect(isDeeperThan(`${JSON.stringify(["\\", '\\\\"'])},${"[".repeat(200_000)}`, 128)).toBe(true);
  expect(isDeeperThan('"never closed [[[[', 1)).toBe(false);
  expect(isDeeperThan(`"${"\\".repeat(99_999)}`, 1)).toBe(false);
});
