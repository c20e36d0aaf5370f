import { AppError } from "@windshift/contract/app-error.ts";

/**
 * Requests of one host in a second, and how many may come at once: a full host sends four batches a second for each run, so an
 * honest one stays far below.
 */
const REQUESTS_A_SECOND_BASE = 20;
const REQUESTS_A_SECOND_PER_RUN = 10;
const BURST_SECONDS = 5;
/** Hosts that were quiet for longer are forgotten, ms. */
const FORGOTTEN_MS = 600_000;

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Slows down a host that floods, so that the others are served as before. One server's own count. */
export class HostPace {
  private readonly buckets = new Map<number, Bucket>();
  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /** @throws AppError `rate_limited` */
  require(host: number, capacity: number): void {
    const now = this.nowMs();
    const rate = REQUESTS_A_SECOND_BASE + REQUESTS_A_SECOND_PER_RUN * capacity;
    const bucket = this.buckets.get(host) ?? { tokens: rate * BURST_SECONDS, atMs: now };
    const gained = ((now - bucket.atMs) / 1_000) * rate;
    const tokens = Math.min(rate * BURST_SECONDS, bucket.tokens + gained);
    if (!this.buckets.has(host)) this.forget(now);
    // What is refused takes nothing, so that whoever floods goes on at the pace and is not shut out.
    this.buckets.set(host, { tokens: tokens < 1 ? tokens : tokens - 1, atMs: now });
    if (tokens < 1)
      throw new AppError("rate_limited", "this runner sends too many requests; try again in a second", {
        retryAfterS: 1,
      });
  }

  private forget(now: number): void {
    for (const [host, { atMs }] of this.buckets) if (now - atMs > FORGOTTEN_MS) this.buckets.delete(host);
  }
}
