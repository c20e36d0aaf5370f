import { expect, test } from "bun:test";
import { isDeeperThan, jsonExcess } from "./json-depth.ts";

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

test("LB-14 counts values by brackets and commas outside strings, and says which bound is passed first", () => {
  const max = { depth: 3, values: 4 };
  expect(jsonExcess('{"a":[1,2,3]}', max)).toBeUndefined();
  expect(jsonExcess('{"a":[1,2,3,4]}', max)).toBe("values");
  expect(jsonExcess('["a,b,c,[[[[{{{,,,,,"]', max)).toBeUndefined();
  expect(jsonExcess("[[[[1,2,3,4,5", max)).toBe("depth");
  expect(jsonExcess(`[${"{},".repeat(1_000_000)}{}]`, { depth: 3, values: 100_000 })).toBe("values");
});
