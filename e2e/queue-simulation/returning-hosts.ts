import { AppError } from "@windshift/contract/app-error.ts";
import { runnerLoop } from "@windshift/execution/runner-loop.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** When hosts came, ms since the server went away. */
export interface Returns {
  /** The first time that each asked again. */
  firstTries: number[];
  /** When each was served. */
  served: number[];
  /** All requests that found no server. */
  inVain: number;
}

const NO_LOG = { info: () => {}, warn: () => {}, error: () => {} };

/**
 * Hosts with the product's own loop, all of which wait for work when their server goes away, until the last one is served again.
 * @param awayMs how long nobody answers
 * @param limitMs when it is given up
 */
export async function returnAll(hosts: number, awayMs: number, limitMs: number): Promise<Returns> {
  const clock = new VirtualClock(0);
  const ending = new AbortController();
  const returns: Returns = { firstTries: [], served: [], inVain: 0 };
  const loops = Array.from({ length: hosts }, () =>
    runnerLoop(
      {
        source: claimsOf(clock, awayMs, returns),
        run: () => Promise.reject(new Error("no host is given work here")),
        capacity: 1,
        idleMs: 0,
        clock: { nowMs: () => clock.nowMs, sleep: (ms) => clock.sleep(rounded(ms)) },
        log: NO_LOG,
      },
      { drain: ending.signal, cancel: new AbortController().signal },
    ),
  );
  await turn();
  while (returns.served.length < hosts && clock.nowMs < limitMs && (await clock.step(() => {})));
  ending.abort();
  await turn();
  while (await clock.step(() => {}));
  await Promise.all(loops);
  return returns;
}

/** Waits of seconds end together when they end at about the same time: a tenth of the steps. */
function rounded(ms: number): number {
  return ms < 1_000 ? ms : Math.round(ms / TICK_MS) * TICK_MS;
}
const TICK_MS = 100;

/** All that follows from what was just done. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** One host's requests: the first waits when the server goes, the next find nobody, until one is held open as that of an idle host is. */
function claimsOf(clock: VirtualClock, awayMs: number, returns: Returns) {
  let asked = 0;
  return {
    claim: async (signal: AbortSignal): Promise<null> => {
      if (++asked === 2) returns.firstTries.push(clock.nowMs);
      if (asked > 1 && clock.nowMs >= awayMs) {
        returns.served.push(clock.nowMs);
        await new Promise<void>((resolve) =>
          signal.addEventListener("abort", () => resolve(), { once: true }),
        );
        return null;
      }
      if (asked > 1) returns.inVain++;
      throw new AppError("unavailable", "nobody listens there");
    },
  };
}
