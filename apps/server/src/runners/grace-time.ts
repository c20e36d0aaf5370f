import { HEARTBEAT_INTERVAL_MS, LEASE_MS, SWEEP_INTERVAL_MS } from "@windshift/contract/limits.ts";

/** Looks that may be late or fail before it counts as silence: a busy machine and a short lock are none. */
const LOOKS_MISSED_MAX = 3;
/** Between two looks, ms; longer, and leases may have lapsed that nobody could renew. */
export const SILENT_MS = (LOOKS_MISSED_MAX + 1) * SWEEP_INTERVAL_MS;
/**
 * Time with answers after which a machine that stands still again and again has been waited for long enough, ms: runs whose runners
 * are gone must be seen to, too.
 */
const GRACE_MS_MAX = 2 * LEASE_MS;

/**
 * How long runners have been able to renew their leases since nobody could. Given a look at the database every SWEEP_INTERVAL_MS, it is
 * over once all were answered in time for one lease. A look without an answer begins it anew. So does one that comes late, as this
 * process or its disk stood still; but where that happens again and again, a heartbeat without it has to do after GRACE_MS_MAX.
 */
export class GraceTime {
  /** Without a look that was late or not answered, ms. */
  private calmMs = 0;
  /** With answers, ms, late ones left out. */
  private answeredMs = 0;

  /** @param lookedAtMs when it begins, ms of a clock that only goes forward */
  constructor(private lookedAtMs: number) {}

  look(nowMs: number, isAnswered: boolean): void {
    const gapMs = nowMs - this.lookedAtMs;
    this.lookedAtMs = nowMs;
    if (!isAnswered) this.answeredMs = 0;
    if (!isAnswered || gapMs > SILENT_MS) {
      this.calmMs = 0;
      return;
    }
    this.calmMs += gapMs;
    this.answeredMs += gapMs;
  }

  get isOver(): boolean {
    if (this.calmMs >= LEASE_MS) return true;
    return this.answeredMs >= GRACE_MS_MAX && this.calmMs >= HEARTBEAT_INTERVAL_MS;
  }
}
