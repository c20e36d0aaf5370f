import { AppError } from "@windshift/contract/app-error.ts";

/**
 * What a host asks for, each with a pace of its own, so that a flood of one kind does not keep the others waiting: `claim` is the
 * dearest, `events` the most frequent, `control` all the rest.
 */
export type HostRequestKind = "claim" | "events" | "control";

/**
 * Requests of one host in a second. A host has one claim open at a time and asks again when it got a run or waited in vain: five a second
 * are a host of a hundred places whose runs end after twenty seconds, which none does in the long run. Each run sends four batches of events a second at most, and a
 * few other requests when it begins and ends.
 */
const CLAIMS_A_SECOND = 5;
/** Claims that may come at once after a pause, or as many as fill all places, if that is more: each costs others a few ms. */
const CLAIMS_AT_ONCE = 20;
const CONTROL_A_SECOND = { base: 10, perRun: 0.5 };
const EVENTS_A_SECOND = { base: 20, perRun: 10 };
/** Others that may come at once after a pause, as seconds of the pace: a spool that is sent. */
const BURST_SECONDS = 5;
/**
 * A host that goes on while it is refused waits the longer, up to this, s: as long as an answer tells it to wait, so that a flood is let in
 * with nothing and a host that does as it is told is let in at once. Not with heartbeats and the like, for which it would lose its runs.
 */
const DEBT_SECONDS_MAX = 1;
/** Requests a second that were refused for what they say, such as events that are none: honest hosts send a few in a day. */
const REFUSED_A_SECOND = 3;
/**
 * What one that was refused as its attempt is lost counts for at most, requests: a host that loses all its attempts at once, with four
 * batches of each under way, is not slowed down in what it still holds.
 */
const LOST_COUNTS_MAX = 10;
/** For how long a host may be shut out at most by those that were refused, s: many may be under way at once. */
const SHUT_OUT_SECONDS_MAX = 1;
/** Hosts that were quiet for longer are forgotten, ms. */
const FORGOTTEN_MS = 600_000;
/** Credentials that are known by their host; a host that rotates its own all the time makes no more of them. They are learned anew. */
const CREDENTIALS_MAX = 100_000;

interface Bucket {
  tokens: number;
  atMs: number;
  /** Requests a second. */
  rate: number;
  /** Requests at once. */
  burst: number;
  /** How far below none the tokens of a flood may fall. */
  debtMax: number;
}

type Pace = Pick<Bucket, "rate" | "burst" | "debtMax">;

type BucketName = `${HostRequestKind} ${number}`;

/** Slows down a host that floods, so that the others are served as before. One server's own count. */
export class HostPace {
  private readonly buckets = new Map<BucketName, Bucket>();
  /** The host of each credential that was let in, by its hash. */
  private readonly hosts = new Map<string, number>();
  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /**
   * @param capacity runs that the host takes at once, as it says
   * @throws AppError `rate_limited`
   */
  require(host: number, kind: HostRequestKind, capacity: number): void {
    const name: BucketName = `${kind} ${host}`;
    const isNew = !this.buckets.has(name);
    const isLetIn = this.take(name, paceOf(kind, capacity));
    if (isNew) this.forget(this.nowMs());
    if (!isLetIn) throw tooMany();
  }

  /**
   * A request that was let in was refused for what it says: those have a slower pace.
   * @param why `lost`: it is of an attempt that is not the host's, which an honest one may not know yet
   */
  fine(host: number, kind: HostRequestKind, why: "wrong" | "lost"): void {
    const bucket = this.buckets.get(`${kind} ${host}`);
    if (bucket === undefined) return;
    const counts = bucket.rate / REFUSED_A_SECOND;
    const fined =
      bucket.tokens - Math.max(0, (why === "lost" ? Math.min(LOST_COUNTS_MAX, counts) : counts) - 1);
    bucket.tokens = Math.max(fined, -SHUT_OUT_SECONDS_MAX * bucket.rate);
  }

  /**
   * For a request that may still turn out to be anybody's: whether the host that this credential was found to be has used up its pace,
   * so that a flood costs the database nothing. One that is turned away counts as one of the flood.
   * @param credential its hash
   */
  turnsAway(credential: string, kind: HostRequestKind): boolean {
    const host = this.hosts.get(credential);
    if (host === undefined) return false;
    const name: BucketName = `${kind} ${host}`;
    const bucket = this.buckets.get(name);
    if (bucket === undefined || tokensAt(this.nowMs(), bucket) >= 1) return false;
    this.take(name, bucket);
    return true;
  }

  /** Whether a host was found by this credential. @param credential its hash */
  knows(credential: string): boolean {
    return this.hosts.has(credential);
  }

  /** @param credential hash of one that the host was found by */
  found(credential: string, host: number): void {
    if (this.hosts.size >= CREDENTIALS_MAX) this.hosts.clear();
    this.hosts.set(credential, host);
  }

  /** @returns whether there was a token to take */
  private take(name: BucketName, { rate, burst, debtMax }: Pace): boolean {
    const now = this.nowMs();
    const known = this.buckets.get(name);
    const tokens = known === undefined ? burst : tokensAt(now, { ...known, rate, burst });
    const isThere = tokens >= 1;
    const left = isThere || tokens - 1 >= -debtMax ? tokens - 1 : tokens;
    this.buckets.delete(name);
    this.buckets.set(name, { tokens: left, atMs: now, rate, burst, debtMax });
    return isThere;
  }

  /** The one that was used last is the last of the map. */
  private forget(now: number): void {
    for (const [name, { atMs }] of this.buckets) {
      if (now - atMs <= FORGOTTEN_MS) return;
      this.buckets.delete(name);
    }
  }
}

function paceOf(kind: HostRequestKind, capacity: number): Pace {
  if (kind === "claim") {
    const burst = Math.max(CLAIMS_AT_ONCE, capacity);
    return { rate: CLAIMS_A_SECOND, burst, debtMax: debtMaxAt(CLAIMS_A_SECOND) };
  }
  const { base, perRun } = kind === "events" ? EVENTS_A_SECOND : CONTROL_A_SECOND;
  const rate = base + perRun * capacity;
  return { rate, burst: rate * BURST_SECONDS, debtMax: kind === "control" ? 0 : debtMaxAt(rate) };
}

/** One is let in when the time is over. */
function debtMaxAt(rate: number): number {
  return rate * DEBT_SECONDS_MAX - 1;
}

function tokensAt(now: number, { tokens, atMs, rate, burst }: Omit<Bucket, "debtMax">): number {
  return Math.min(burst, tokens + ((now - atMs) / 1_000) * rate);
}

/** A `rate_limited` that asks for a second of patience, after which a host that heeds it is let in (DEBT_SECONDS_MAX). */
export function tooMany(): AppError {
  return new AppError("rate_limited", "this runner sends too many requests; try again in a second", {
    retryAfterS: 1,
  });
}
