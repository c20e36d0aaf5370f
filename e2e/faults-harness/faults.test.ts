import { expect, test } from "bun:test";
import { runEpisode } from "./episode.ts";

/** One episode takes half a minute on a machine that has nothing else to do. `npm run test:faults` does as many as one likes. */
const EPISODE_MS_MAX = 480_000;
const SEED = 100;
const RUNS = 20;

test(
  `${RUNS} runs under the faults of seed ${SEED} keep every invariant`,
  async () => {
    const log: string[] = [];
    const end = await runEpisode({
      seed: SEED,
      runs: RUNS,
      env: process.env,
      log: (line) => void log.push(line),
    });
    const ended = Object.values(end.endings).reduce((sum, n) => sum + n, 0);
    expect({ violations: end.violations, faults: log }).toEqual({ violations: [], faults: log });
    expect(ended).toBeGreaterThanOrEqual(RUNS);
    expect(end.endings["succeeded completed"] ?? 0).toBeGreaterThan(RUNS / 2);
    expect(end.faults).toBeGreaterThan(2);
  },
  EPISODE_MS_MAX,
);
