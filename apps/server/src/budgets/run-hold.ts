import { randomUUID } from "node:crypto";
import type { DiskWait } from "../db/database.ts";
import {
  type Amount,
  atLeastNothing,
  covers,
  isNothing,
  least,
  minus,
  NOTHING,
  plus,
  times,
} from "./amount.ts";
import type { ScopedBudget } from "./budget-limits.ts";
import type { HoldKey } from "./hold-store.ts";
import type { HoldChange } from "./settle-store.ts";

/** Calls that a hold is filled for: few at first, then those of the next `AHEAD_MS` at the pace of the run, so that hot runs cost few transactions. */
const CALLS_AHEAD_FIRST = 4;
const CALLS_AHEAD_MAX = 1_024;
const AHEAD_MS = 2_000;
/** How much more a hold is filled for than the time before, at most: a hot run is there after four transactions. */
const GROWTH_MAX = 4;
/** A hold that would be empty within this time is filled before a call has to wait for it, ms: two batches. */
const SOON_MS = 500;
/** The least time over which a pace is counted, ms: a few calls at one moment are none. */
const PACE_MS_MIN = 1_000;
/**
 * Calls leave while the disk still writes what was set aside for them, unless the oldest of that has been on its way for
 * longer than this, ms: what a loss of power can make a budget forget is the calls begun within this time. A disk takes 1 to 5.
 */
export const UNFLUSHED_MS_MAX = 50;

/** What was set aside, in these budgets. */
interface Held {
  amount: Amount;
  budgets: readonly ScopedBudget[];
  small: boolean;
  disk: DiskWait | undefined;
}

/**
 * What this process has set aside for the calls of one attempt in one month. Calls draw on it in memory; what they cost
 * is written down in batches. Always: row of the hold = free + in flight + taken and not yet written.
 */
export class RunHold {
  readonly key: HoldKey;
  /** Undefined until it was filled once. */
  budgets: readonly ScopedBudget[] | undefined;
  /** One fill at a time. */
  filling: Promise<unknown> = Promise.resolve();
  lastUsedMs: number;
  /** It is little of what its budgets have left, so that it may wait for the run's next call. */
  isSmall = false;
  /** No call may draw on it any more; its rest goes back once none is on its way. */
  closing = false;
  private free = NOTHING;
  private inFlight = 0;
  private taken = NOTHING;
  private spent = NOTHING;
  /** Of what it was filled with, until that is on the disk; for good when the disk failed. */
  private disk: DiskWait | undefined;
  private callsAhead = CALLS_AHEAD_FIRST;
  /** Since it was filled. */
  private calls = 0;
  private filledAtMs = 0;
  /** Of the last call. */
  private need = NOTHING;

  constructor(
    key: Omit<HoldKey, "id">,
    readonly ended: AbortSignal,
    nowMs: number,
  ) {
    this.key = { ...key, id: randomUUID() };
    this.lastUsedMs = nowMs;
  }

  get isIdle(): boolean {
    return this.inFlight === 0;
  }

  /** Whether a budget counts money. Known once it was filled. */
  get countsCost(): boolean {
    return this.budgets?.some(({ limit }) => limit.cost !== null) ?? false;
  }

  covers(need: Amount): boolean {
    return this.budgets !== undefined && covers(this.free, need);
  }

  /** What a call waits for before it draws on the hold: undefined when that is on the disk, or will be soon. Rejects when the disk failed. */
  lateDisk(): Promise<void> | undefined {
    return this.disk !== undefined && this.disk.lagMs() > UNFLUSHED_MS_MAX ? this.disk.done : undefined;
  }

  /** Draws on it. @returns false when it has too little */
  take(need: Amount, nowMs: number): boolean {
    if (this.closing || !this.covers(need)) return false;
    this.free = minus(this.free, need);
    this.inFlight++;
    this.calls++;
    this.need = need;
    this.lastUsedMs = nowMs;
    return true;
  }

  /**
   * A call is over: what it did not use is free again.
   * @returns false when it used more than was set aside for it
   */
  settle(reserved: Amount, used: Amount, nowMs: number): boolean {
    const taken = least(reserved, used);
    this.free = plus(this.free, minus(reserved, taken));
    this.taken = plus(this.taken, taken);
    this.spent = plus(this.spent, used);
    this.inFlight--;
    this.lastUsedMs = nowMs;
    return covers(reserved, used);
  }

  /** How much to ask for so that this call, and those that follow it, need not ask. */
  wish(need: Amount, nowMs: number): Amount {
    // Bounded by what it was: a burst says little about what comes after it.
    const most = Math.min(this.callsAhead * GROWTH_MAX, CALLS_AHEAD_MAX);
    this.callsAhead = Math.max(CALLS_AHEAD_FIRST, Math.min(this.callsWithin(AHEAD_MS, nowMs), most));
    return times(need, this.callsAhead);
  }

  /** What to ask for before a call has to wait; undefined while there is enough. */
  wishAhead(nowMs: number): Amount | undefined {
    if (this.budgets === undefined || this.closing || this.ended.aborted) return undefined;
    const soon = this.callsWithin(SOON_MS, nowMs);
    if (soon <= 1 || covers(this.free, times(this.need, soon))) return undefined;
    return atLeastNothing(minus(this.wish(this.need, nowMs), this.free));
  }

  private callsWithin(ms: number, nowMs: number): number {
    return Math.ceil((this.calls * ms) / Math.max(PACE_MS_MIN, nowMs - this.filledAtMs));
  }

  fill({ amount, budgets, small, disk }: Held, nowMs: number): void {
    this.free = plus(this.free, amount);
    this.isSmall = small;
    this.budgets = budgets;
    this.filledAtMs = nowMs;
    this.calls = 0;
    if (disk === undefined) return;
    this.disk = disk;
    disk.done.then(
      () => {
        if (this.disk === disk) this.disk = undefined;
      },
      () => {},
    );
  }

  /** Takes out what must be written down; undefined when nothing is. Give it back with `restore` when that failed. */
  change(): HoldChange | undefined {
    const close = this.closing && this.inFlight === 0;
    if (this.budgets === undefined || (!close && isNothing(this.spent))) return undefined;
    const { taken, spent } = this;
    this.taken = NOTHING;
    this.spent = NOTHING;
    return { id: this.key.id, budgets: this.budgets, taken, spent, close };
  }

  restore(change: HoldChange): void {
    this.taken = plus(this.taken, change.taken);
    this.spent = plus(this.spent, change.spent);
  }
}
