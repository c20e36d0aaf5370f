import { randomUUID } from "node:crypto";
import { type Amount, covers, isNothing, least, minus, NOTHING, plus } from "./amount.ts";
import type { ScopedBudget } from "./budget-limits.ts";
import type { HoldKey } from "./hold-store.ts";
import type { HoldChange } from "./settle-store.ts";

/** Calls that a hold is filled for: few at first, more while it is emptied within a second, so that hot runs cost few transactions. */
const CALLS_AHEAD_FIRST = 4;
const CALLS_AHEAD_MAX = 1_024;
const HOT_MS = 1_000;

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
  /** No call may draw on it any more; its rest goes back once none is on its way. */
  closing = false;
  private free = NOTHING;
  private inFlight = 0;
  private taken = NOTHING;
  private spent = NOTHING;
  private callsAhead = CALLS_AHEAD_FIRST;
  private filledAtMs = Number.NEGATIVE_INFINITY;

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

  /** Draws on it. @returns false when it has too little */
  take(need: Amount, nowMs: number): boolean {
    if (this.closing || !this.covers(need)) return false;
    this.free = minus(this.free, need);
    this.inFlight++;
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
    const hot = nowMs - this.filledAtMs < HOT_MS;
    this.callsAhead = hot ? Math.min(this.callsAhead * 2, CALLS_AHEAD_MAX) : CALLS_AHEAD_FIRST;
    return { tokens: need.tokens * this.callsAhead, cost: need.cost * this.callsAhead };
  }

  fill(amount: Amount, budgets: readonly ScopedBudget[], nowMs: number): void {
    this.free = plus(this.free, amount);
    this.budgets = budgets;
    this.filledAtMs = nowMs;
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
