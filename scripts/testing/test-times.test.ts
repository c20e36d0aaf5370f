import { expect, test } from "bun:test";
import { join, resolve } from "node:path";
import { longestTimes, readTimes, slowestLines, TIMES_FILE, writeTimes } from "./test-times.ts";

const ROOT = resolve(import.meta.dir, "../..");

test("the committed times are written as they stand", async () => {
  const times = await readTimes(join(ROOT, TIMES_FILE));
  expect(Object.keys(times.files).length).toBeGreaterThan(0);
  expect(await Bun.file(join(ROOT, TIMES_FILE)).text()).toBe(writeTimes(times));
});

test("no times are empty times, and of two groups the longer time counts", async () => {
  expect(await readTimes("/nowhere/times.json")).toEqual({ version: 1, files: {} });
  const times = longestTimes([
    { version: 1, files: { "a.test.ts": 5_000, "b.test.ts": 1_260 } },
    { version: 1, files: { "a.test.ts": 4_000, "b.test.ts": 2_040, "c.test.ts": 999 } },
  ]);
  expect(times.files).toEqual({ "a.test.ts": 5_000, "b.test.ts": 2_040, "c.test.ts": 999 });
  expect(JSON.parse(writeTimes(times)).files).toEqual({ "a.test.ts": 5_000, "b.test.ts": 2_000 });
  expect(slowestLines(times, 2)).toEqual(["    5.0 s  a.test.ts", "    2.0 s  b.test.ts"]);
});
