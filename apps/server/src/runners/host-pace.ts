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
/** Credentials that are known by their host; a host that rotates its own all the time makes no more of them. They are learned anew. */
const CREDENTIALS_MAX = 100_000;

interface Bucket {
  tokens: number;
  atMs: number;
  /** Requests a second. */
  rate: number;
}

/** Slows down a host that floods, so that the others are served as before. One server's own count. */
export class HostPace {
  private readonly buckets = new Map<number, Bucket>();
  /** The host of each credential that was let in, by its hash. */
  private readonly hosts = new Map<string, number>();
  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /** @throws AppError `rate_limited` */
  require(host: number, capacity: number): void {
    const now = this.nowMs();
    const rate = REQUESTS_A_SECOND_BASE + REQUESTS_A_SECOND_PER_RUN * capacity;
    const bucket = this.buckets.get(host) ?? { tokens: rate * BURST_SECONDS, atMs: now, rate };
    const tokens = tokensAt(now, { ...bucket, rate });
    if (!this.buckets.has(host)) this.forget(now);
    // What is refused takes nothing, so that whoever floods goes on at the pace and is not shut out.
    this.buckets.set(host, { tokens: tokens < 1 ? tokens : tokens - 1, atMs: now, rate });
    if (tokens < 1) throw tooMany();
  }

  /**
   * For a request that may still turn out to be anybody's: refused when the host that this credential was found to be has used up its
   * pace, so that a flood costs the database nothing.
   * @param credential its hash
   * @throws AppError `rate_limited`
   */
  requireEarly(credential: string): void {
    const host = this.hosts.get(credential);
    const bucket = host === undefined ? undefined : this.buckets.get(host);
    if (bucket !== undefined && tokensAt(this.nowMs(), bucket) < 1) throw tooMany();
  }

  /** @param credential hash of one that the host was found by */
  found(credential: string, host: number): void {
    if (this.hosts.size >= CREDENTIALS_MAX) this.hosts.clear();
    this.hosts.set(credential, host);
  }

  private forget(now: number): void {
    const quiet = [...this.buckets].filter(([, { atMs }]) => now - atMs > FORGOTTEN_MS).map(([host]) => host);
    for (const host of quiet) this.buckets.delete(host);
    for (const [credential, host] of this.hosts) if (quiet.includes(host)) this.hosts.delete(credential);
  }
}

function tokensAt(now: number, { tokens, atMs, rate }: Bucket): number {
  return Math.min(rate * BURST_SECONDS, tokens + ((now - atMs) / 1_000) * rate);
}

function tooMany(): AppError {
  return new AppError("rate_limited", "this runner sends too many requests; try again in a second", {
    retryAfterS: 1,
  });
}
