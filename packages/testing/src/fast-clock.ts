import { type Clock, systemClock } from "@windshift/base/clock.ts";

/** A clock on which time passes `factor` times as fast: waits of minutes take a test a moment, in the same order. */
export function fastClock(factor: number): Clock {
  const startMs = Date.now();
  return {
    nowMs: () => startMs + (Date.now() - startMs) * factor,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
  };
}
