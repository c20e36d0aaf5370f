import { AppError } from "@windshift/contract/app-error.ts";
import { addressBlock } from "./address-block.ts";

/** Callers that are remembered at most; beyond it the oldest is forgotten, so that a flood costs no memory. */
const CALLERS_MAX = 10_000;

interface Window {
  startedAtMs: number;
  tries: number;
}

/** Lets each caller try something so often in a span of time. One server's own count. */
export class TryLimit {
  private readonly windows = new Map<string, Window>();
  constructor(
    private readonly limit: { tries: number; windowMs: number },
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /**
   * Counts one try.
   * @param caller an address or a user id; undefined counts as one caller, and a network of IPv6 does too
   * @throws AppError `rate_limited` that says when to try again
   */
  require(caller: string | undefined): void {
    const retryAfterS = this.count(caller);
    if (retryAfterS > 0) throw tooMany(retryAfterS);
  }

  /**
   * Refuses whoever has used up their tries and counts nothing, where only what fails is a try.
   * @throws AppError as `require`
   */
  requireOpen(caller: string | undefined): void {
    const retryAfterS = this.waitOf(this.windowOf(addressBlock(caller ?? "")));
    if (retryAfterS > 0) throw tooMany(retryAfterS);
  }

  /** Counts one try. @returns whether it is within the limit */
  admits(caller: string | undefined): boolean {
    return this.count(caller) === 0;
  }

  /** @returns how long to wait, s; 0 when the try was counted */
  private count(caller: string | undefined): number {
    const key = addressBlock(caller ?? "");
    const window = this.windowOf(key);
    const retryAfterS = this.waitOf(window);
    if (retryAfterS > 0) return retryAfterS;
    window.tries += 1;
    this.windows.delete(key);
    this.windows.set(key, window);
    this.forgetOldest();
    return 0;
  }

  /** The one that has begun, or a new one. */
  private windowOf(key: string): Window {
    const now = this.nowMs();
    const known = this.windows.get(key);
    return known && now - known.startedAtMs < this.limit.windowMs ? known : { startedAtMs: now, tries: 0 };
  }

  /** @returns s until there are tries again; 0 when there are some */
  private waitOf({ startedAtMs, tries }: Window): number {
    if (tries < this.limit.tries) return 0;
    return Math.ceil((startedAtMs + this.limit.windowMs - this.nowMs()) / 1_000);
  }

  private forgetOldest(): void {
    const oldest = this.windows.size > CALLERS_MAX ? this.windows.keys().next() : undefined;
    if (oldest !== undefined && !oldest.done) this.windows.delete(oldest.value);
  }
}

function tooMany(retryAfterS: number): AppError {
  return new AppError("rate_limited", `too many tries; try again in ${retryAfterS} s`, { retryAfterS });
}
