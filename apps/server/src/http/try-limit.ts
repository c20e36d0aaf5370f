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
    if (retryAfterS > 0)
      throw new AppError("rate_limited", `too many tries; try again in ${retryAfterS} s`, { retryAfterS });
  }

  /** Counts one try. @returns whether it is within the limit */
  admits(caller: string | undefined): boolean {
    return this.count(caller) === 0;
  }

  /** @returns how long to wait, s; 0 when the try was counted */
  private count(caller: string | undefined): number {
    const key = addressBlock(caller ?? "");
    const now = this.nowMs();
    const { tries, windowMs } = this.limit;
    const known = this.windows.get(key);
    const window = known && now - known.startedAtMs < windowMs ? known : { startedAtMs: now, tries: 0 };
    if (window.tries >= tries) return Math.ceil((window.startedAtMs + windowMs - now) / 1_000);
    window.tries += 1;
    this.windows.delete(key);
    this.windows.set(key, window);
    this.forgetOldest();
    return 0;
  }

  private forgetOldest(): void {
    const oldest = this.windows.size > CALLERS_MAX ? this.windows.keys().next() : undefined;
    if (oldest !== undefined && !oldest.done) this.windows.delete(oldest.value);
  }
}
