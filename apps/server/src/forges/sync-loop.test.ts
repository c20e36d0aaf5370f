import { expect, test } from "bun:test";
import {
  CLOSED_FOLLOWED_MS,
  CLOSED_POLL_MS_MAX,
  nextLookMs,
  PULL_REQUEST_POLL_HEARD_MS,
  PULL_REQUEST_POLL_MS,
  PULL_REQUEST_POLL_MS_MAX,
} from "./sync-loop.ts";

const NOW = 1_700_000_000_000;
const HOUR = 3_600_000;
type State = Parameters<typeof nextLookMs>[0]["state"];

/** Time to the next look at one that changed so long ago, ms; null for never. */
function wait(sinceChangeMs: number, state: State = "open", heard = false): number | null {
  const atMs = nextLookMs({ state, updatedAtMs: NOW - sinceChangeMs }, heard, NOW);
  return atMs === null ? null : atMs - NOW;
}

test("a lively one is looked at often, a quiet one seldom, and none never", () => {
  expect(wait(0)).toBe(PULL_REQUEST_POLL_MS);
  expect(wait(HOUR)).toBe(HOUR / 20);
  expect(wait(365 * 24 * HOUR)).toBe(PULL_REQUEST_POLL_MS_MAX);
});

test("one whose forge sends webhooks is looked at less often", () => {
  expect(wait(0, "open", true)).toBe(PULL_REQUEST_POLL_HEARD_MS);
  expect(wait(0, "closed", true)).toBe(PULL_REQUEST_POLL_HEARD_MS);
});

test("one that was closed is looked at for two weeks, about a hundred times, and one that was merged no more", () => {
  expect(wait(0, "merged")).toBeNull();
  expect(wait(CLOSED_FOLLOWED_MS, "closed")).toBeNull();
  let looks = 0;
  for (let sinceMs = 0; ; looks++) {
    const waitMs = wait(sinceMs, "closed");
    if (waitMs === null) break;
    expect(waitMs).toBeLessThanOrEqual(CLOSED_POLL_MS_MAX);
    sinceMs += waitMs;
  }
  expect(looks).toBeGreaterThan(50);
  expect(looks).toBeLessThan(130);
});
