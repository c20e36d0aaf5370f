import { expect, test } from "bun:test";
import {
  lookWaitMs,
  PULL_REQUEST_POLL_HEARD_MS,
  PULL_REQUEST_POLL_MS,
  PULL_REQUEST_POLL_MS_MAX,
} from "./sync-loop.ts";

const NOW = 1_700_000_000_000;
const wait = (sinceChangeMs: number, heard = false) =>
  lookWaitMs({ updatedAtMs: NOW - sinceChangeMs }, heard, NOW);

test("a lively one is looked at often, a quiet one seldom, and none never", () => {
  const hour = 3_600_000;
  expect(wait(0)).toBe(PULL_REQUEST_POLL_MS);
  expect(wait(hour)).toBe(hour / 20);
  expect(wait(365 * 24 * hour)).toBe(PULL_REQUEST_POLL_MS_MAX);
});

test("one whose forge sends webhooks is looked at less often", () => {
  expect(wait(0, true)).toBe(PULL_REQUEST_POLL_HEARD_MS);
});
