import { expect, test } from "bun:test";
import { formatDuration, parseDurationMs } from "./duration.ts";

const WRITTEN: readonly (readonly [ms: number, text: string])[] = [
  [0, "0ms"],
  [250, "250ms"],
  [1_200, "1.2s"],
  [8_000, "8s"],
  [9_960, "10s"],
  [45_000, "45s"],
  [59_999, "1m"],
  [600_000, "10m"],
  [5_400_000, "1h30m"],
  [8 * 3_600_000, "8h"],
];

test("a duration is written in its largest units, whole ones without a fraction", () => {
  for (const [ms, text] of WRITTEN) expect(formatDuration(ms)).toBe(text);
});

test("durations are read with their units, and nothing else is taken for one", () => {
  expect(["250ms", "2s", "5m", "1h30m", "1d"].map(parseDurationMs)).toEqual([
    250, 2_000, 300_000, 5_400_000, 86_400_000,
  ]);
  for (const text of ["", "5", "1.2s", "s", "2 s", "-1s", "1h 30m"])
    expect(parseDurationMs(text)).toBeUndefined();
});
