import { backoffMs } from "@windshift/base/backoff.ts";
import { PARTITION_MS_MAX } from "@windshift/contract/limits.ts";
import type { ModelFailure } from "./model-failure.ts";

/** First wait between tries, ms: after a fault, and when the server says that it has too much to do. */
const RETRY_MS_FIRST = 500;
const RETRY_BUSY_MS_FIRST = 2_000;
/** Longest wait of our own choice between tries, ms. */
const RETRY_MS_MAX = 30_000;
/** Longest such wait for a server that is away, ms: one that is started again is back within seconds, one that was never reached is asked more often. */
const AWAY_RETRY_MS_MAX = 5_000;
const UNKNOWN_RETRY_MS_MAX = 2_000;
/** All tries of a server that was reached before and is away, and the waits between them, ms: for as long as a runner lets its containers go on without it. */
const AWAY_MS_MAX = PARTITION_MS_MAX;
/** The same for one that was never reached, ms: most likely its address is wrong, but a start of the server falls in between too. */
const UNKNOWN_MS_MAX = 5_000;

/**
 * For how long one call of the model is tried again. A server that is away is waited for, however many tries that takes: it is being
 * started again, and the work is worth more than a pause. All other faults count.
 */
export class CallPatience {
  private faults = 0;
  private timesAway = 0;
  private awayMs = 0;

  /** @param triesMax tries, those left out for which the server was away; 1 tries nothing again */
  constructor(private readonly triesMax: number) {}

  /**
   * Told of each try that failed.
   * @param isReached whether somebody was ever there at the address
   * @param tookMs what the try took, ms: where packets are dropped, or a proxy waits in vain, that is minutes
   * @returns the wait before the next try, ms; undefined when there is to be none
   */
  waitAfter(failure: ModelFailure, isReached: boolean, tookMs: number): number | undefined {
    if (!failure.retry) return undefined;
    if (failure.away === true && this.triesMax > 1) return this.waitForReturn(failure, isReached, tookMs);
    return ++this.faults < this.triesMax ? waitOf(failure, this.faults, RETRY_MS_MAX) : undefined;
  }

  private waitForReturn(failure: ModelFailure, isReached: boolean, tookMs: number): number | undefined {
    this.awayMs += tookMs;
    if (this.awayMs >= (isReached ? AWAY_MS_MAX : UNKNOWN_MS_MAX)) return undefined;
    const waitMs = waitOf(failure, ++this.timesAway, isReached ? AWAY_RETRY_MS_MAX : UNKNOWN_RETRY_MS_MAX);
    this.awayMs += waitMs;
    return waitMs;
  }
}

function waitOf(failure: ModelFailure, times: number, msMax: number): number {
  const firstMs = failure.busy ? RETRY_BUSY_MS_FIRST : RETRY_MS_FIRST;
  return Math.max(failure.retryAfterMs, backoffMs(times, firstMs, msMax));
}
