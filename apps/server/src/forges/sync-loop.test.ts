import { expect, test } from "bun:test";
import {
  isDue,
  PULL_REQUEST_POLL_HEARD_MS,
  PULL_REQUEST_POLL_MS,
  PULL_REQUEST_POLL_MS_MAX,
} from "./sync-loop.ts";

const NOW = 1_700_000_000_000;
const due = (sinceLookMs: number, sinceChangeMs: number, heard = false) =>
  isDue({ syncedAtMs: NOW - sinceLookMs, updatedAtMs: NOW - sinceChangeMs }, heard, NOW);

test("a pull request somebody wants looked at is due at once", () => {
  expect(isDue({ syncedAtMs: null, updatedAtMs: NOW }, true, NOW)).toBe(true);
});

test("a lively one is looked at often, a quiet one seldom, and none never", () => {
  expect([due(PULL_REQUEST_POLL_MS, 0), due(PULL_REQUEST_POLL_MS - 1, 0)]).toEqual([true, false]);
  const hour = 3_600_000;
  expect([due(hour / 20, hour), due(hour / 20 - 1, hour)]).toEqual([true, false]);
  expect(due(PULL_REQUEST_POLL_MS_MAX, 365 * 24 * hour)).toBe(true);
});

test("one whose forge sends webhooks is looked at less often", () => {
  expect([due(PULL_REQUEST_POLL_HEARD_MS - 1, 0, true), due(PULL_REQUEST_POLL_HEARD_MS, 0, true)]).toEqual([
    false,
    true,
  ]);
});
