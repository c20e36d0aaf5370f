import type { Bench } from "../bench.ts";
import { growEvents } from "./growth-events.ts";
import { growHosts } from "./growth-hosts.ts";
import { growQueue } from "./growth-queue.ts";
import { growRepository } from "./growth-repository.ts";
import { growWatchers } from "./growth-watchers.ts";

/** The curves by name, so that one can be looked at alone. */
const CURVES = {
  hosts: { about: "10 to 5,000 idle runner hosts: processor and memory of the server", grow: growHosts },
  queue: { about: "100 to 100,000 queued runs: a claim, on both databases", grow: growQueue },
  events: {
    about: "1,000 to 10,000,000 stored events: append and read, on both databases",
    grow: growEvents,
  },
  repository: { about: "a project of 10 MB to 2 GB: a checkout is prepared", grow: growRepository },
  watchers: { about: "1 to 5,000 watchers of a run: latency and processor of an event", grow: growWatchers },
} as const;

/** How cost grows, one curve after the other: none worse than n log n. */
export const growth: Bench = {
  name: "growth",
  about:
    "how cost grows with hosts, queued runs, stored events, the repository and watchers; no worse than n log n; half an hour by itself",
  onlyByName: true,
  async run(report) {
    for (const [name, { about, grow }] of Object.entries(CURVES)) {
      report.progress(`${name}: ${about}`);
      await grow(report);
    }
  },
};

/** Each curve by itself: `growth-hosts` and so on. */
export const growthCurves: readonly Bench[] = Object.entries(CURVES).map(([name, { about, grow }]) => ({
  name: `growth-${name}`,
  about,
  onlyByName: true,
  run: grow,
}));
