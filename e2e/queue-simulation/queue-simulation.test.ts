import { expect, test } from "bun:test";
import { returnAll } from "./returning-hosts.ts";
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

test(
  "F44 two thousand hosts whose server was away for ten minutes are back in half a minute, spread over it, and each counts from its first failure",
  async () => {
    const HOSTS = 2_000;
    const AWAY_MS = 600_000;
    const BACK_MS_MAX = 30_000;
    const { firstTries, served, inVain } = await returnAll(HOSTS, AWAY_MS, 2 * AWAY_MS);
    // However long it had waited for work before: the wait for the next try is that of a first failure, and not the same for all.
    expect(firstTries).toHaveLength(HOSTS);
    expect(Math.max(...firstTries)).toBeLessThanOrEqual(500);
    expect(new Set(firstTries).size).toBeGreaterThan(100);
    expect(served).toHaveLength(HOSTS);
    expect(Math.max(...served)).toBeLessThanOrEqual(AWAY_MS + BACK_MS_MAX);
    const seconds = Map.groupBy(served, (atMs) => Math.floor(atMs / 1_000));
    expect(Math.max(...[...seconds.values()].map((some) => some.length))).toBeLessThan(HOSTS / 5);
    // While nobody answered a host asked every 15 to 30 s, after a few quick tries.
    expect(inVain / HOSTS).toBeLessThan(AWAY_MS / 15_000 + 8);
  },
  TEST_MS_MAX,
);
