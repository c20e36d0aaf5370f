import { expect, test } from "bun:test";
import { runWorld } from "./world.ts";

/** `npm run test:simulation` does as many as one likes; a world of this size takes seconds, on a busy machine a minute. */
const RUNS = 300;
const SEEDS = [7];
const TEST_MS_MAX = 300_000;

// Its database is in another year than the programs: what decides by a clock of its own would let leases lapse or live for ever.
test.each(SEEDS)(
  "I13 a world of the queue, whose database has another time than its servers, keeps every rule under the faults of seed %d",
  async (seed) => {
    const end = await runWorld({ seed, runs: RUNS });
    expect(end.violations).toEqual([]);
    const ended = Object.values(end.endings).reduce((sum, count) => sum + count, 0);
    expect(ended).toBe(end.runs);
    expect(end.runs).toBeGreaterThanOrEqual(RUNS);
    expect(end.endings.succeeded ?? 0).toBeGreaterThan(RUNS / 2);
    expect(end.faults.interrupted).toBeGreaterThan(0);
    expect(end.tokensTried).toBeGreaterThan(0);
    // What the queue does again and again costs the same after a million runs.
    expect(end.fullReads).toEqual([]);
  },
  TEST_MS_MAX,
);

test(
  "the same seed is the same story, another one another",
  async () => {
    const digests: string[] = [];
    for (const seed of [3, 3, 4]) digests.push((await runWorld({ seed, runs: 40 })).digest);
    expect(digests[1]).toBe(digests[0] as string);
    expect(digests[2]).not.toBe(digests[0] as string);
  },
  TEST_MS_MAX,
);
