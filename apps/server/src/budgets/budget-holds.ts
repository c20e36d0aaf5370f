import { randomUUID } from "node:crypto";
import { orLate } from "@windshift/base/deadline.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { Database } from "../db/database.ts";
import type { NewRow } from "../db/schema.ts";
import type { Log } from "../http/log.ts";
import { type Amount, NOTHING } from "./amount.ts";
import { monthOf } from "./budget-month.ts";
import type { BudgetShort } from "./budget-short.ts";
import { HoldQueue } from "./hold-queue.ts";
import type { HoldAsk } from "./hold-store.ts";
import { RunHold } from "./run-hold.ts";
import { type FreeSpending, type HoldChange, renewHolds, settleBatch } from "./settle-store.ts";

/** Calls are written down together: after this many, or this long after the first, ms. */
const BATCH_CALLS_MAX = 500;
const BATCH_WAIT_MS = 200;
/** Calls that may wait to be written down; past it nothing more is reserved, so that a broken database does not cost unbounded memory and money. */
const UNWRITTEN_CALLS_MAX = 20_000;
/** A hold that no call drew on for this long is given back, ms: the next call of a run follows within seconds or takes minutes. */
const IDLE_MS = 5_000;
/** The same for one that is little of what is left, ms: most commands of agents end within, so their next call need not wait for the disk. */
const SMALL_IDLE_MS = 60_000;
/** Time between looks for holds to give back, ms, and between renewals, ms: six of those fit into HOLD_MS. */
const TICK_MS = 1_000;
const RENEW_MS = 10_000;
/** How long a call waits for what other calls have set aside, ms, and how often it looks. */
const PASSING_MS_MAX = 10_000;
const PASSING_LOOK_MS = 100;

/** How long a server that ends waits for what is to be written down, ms: holds that stay behind count as spent until they expire. */
const CLOSE_MS_MAX = 10_000;

/** A call that wants to leave. */
export interface BudgetCall {
  runId: number;
  attempt: number;
  /** The most it can use. */
  need: Amount;
  /** Whether its model has a price. */
  priced: boolean;
  /** Aborts when the attempt ends. */
  ended: AbortSignal;
}

export type BudgetReply =
  | { kind: "granted"; settle(used: Amount): void }
  | { kind: "short"; short: BudgetShort }
  /** A budget counts money, and what the call costs is not known. */
  | { kind: "unpriced" };

/**
 * All that this process has set aside, and the calls that are not written down yet. An amount is committed
 * before a call draws on it, and on the disk within UNFLUSHED_MS_MAX: a process that dies can only make a budget look more
 * used than it is, by what was set aside; a loss of power can forget the calls begun within that time.
 */
export class BudgetHolds {
  /** Names this process; new at every start. */
  readonly holder = randomUUID();
  private readonly holds = new Map<string, RunHold>();
  /** Those that no call may draw on any more. */
  private readonly closing = new Set<RunHold>();
  private calls: NewRow<"run_usage">[] = [];
  private free: FreeSpending[] = [];
  private flushing: Promise<void> = Promise.resolve();
  /** A provider went over its cap, and the database does not know yet: nothing is set aside before it does. */
  private overrun = false;
  private flushTimer: Timer | undefined;
  private readonly fills: HoldQueue;
  private readonly ticker: Timer;
  private readonly stopListening: () => void;
  private renewedAtMs = performance.now();

  constructor(
    private readonly database: Database,
    private readonly log: Pick<Log, "error">,
  ) {
    this.fills = new HoldQueue(database);
    this.stopListening = database.signals.listen("budgets", () => {
      this.closeIdle(() => true);
      if (this.closing.size > 0) this.flushSoon();
    });
    this.ticker = setInterval(() => this.tick(), TICK_MS);
    this.ticker.unref();
  }

  /**
   * Sets the need of a call aside in every budget of its run. Waits a little when only other calls stand in the way.
   * @throws AppError `unavailable` when the ledger cannot be written
   */
  async reserve(call: BudgetCall): Promise<BudgetReply> {
    try {
      return await this.reserveOnce(call);
    } catch (error) {
      throw error instanceof AppError ? error : ledgerStuck(error);
    }
  }

  private async reserveOnce(call: BudgetCall): Promise<BudgetReply> {
    const deadlineMs = performance.now() + PASSING_MS_MAX;
    for (;;) {
      if (this.calls.length > UNWRITTEN_CALLS_MAX) throw ledgerStuck();
      const hold = this.holdFor(call);
      if (hold.countsCost && !call.priced) return { kind: "unpriced" };
      const disk = hold.covers(call.need) ? hold.lateDisk() : undefined;
      if (disk !== undefined) {
        await disk;
        continue;
      }
      if (hold.take(call.need, performance.now())) return this.granted(hold, call.need);
      const last = performance.now() >= deadlineMs || call.ended.aborted;
      const refused = await this.fillInTurn(hold, call.need, last);
      if (refused === undefined) continue;
      if (!refused.passing || last) return { kind: "short", short: refused.short };
      this.closeIdle(() => true);
      await this.database.signals.notify("budgets"); // what other servers have set aside for nobody
      await this.flush();
      await Bun.sleep(PASSING_LOOK_MS);
    }
  }

  /**
   * Notes a call for the ledger.
   * @param free what it used up without anything having been set aside for it
   */
  record(row: NewRow<"run_usage">, free?: FreeSpending): void {
    this.calls.push(row);
    if (free !== undefined) this.free.push(free);
    this.flushSoon();
  }

  /** Writes down all there is to write. Rejects when the database cannot. */
  flush(): Promise<void> {
    const next = this.flushing.catch(() => {}).then(() => this.writeBatch());
    this.flushing = next;
    return next;
  }

  /** Gives everything back that no call is drawing on, and writes the rest down, as far as a database that does not answer lets it. */
  async close(): Promise<void> {
    clearInterval(this.ticker);
    this.stopListening();
    this.closeIdle(() => true);
    const flushed = this.flush();
    flushed.catch(() => {}); // told by the race, or too late for anybody
    if ((await orLate(flushed, CLOSE_MS_MAX)) === "late")
      this.log.error(
        { calls: this.calls.length },
        "budgets: the database did not answer, so what is set aside stays so",
      );
    clearTimeout(this.flushTimer);
  }

  private holdFor(call: BudgetCall): RunHold {
    const { runId, attempt, ended } = call;
    const period = monthOf(Date.now());
    const name = `${runId}:${attempt}:${period}`;
    const known = this.holds.get(name);
    if (known !== undefined && !known.closing) return known;
    const hold = new RunHold({ runId, attempt, holder: this.holder, period }, ended, performance.now());
    this.holds.set(name, hold);
    return hold;
  }

  private granted(hold: RunHold, reserved: Amount): BudgetReply {
    return {
      kind: "granted",
      settle: (used) => {
        if (!hold.settle(reserved, used, performance.now())) this.overrun = true;
        this.flushSoon();
      },
    };
  }

  private async fillInTurn(hold: RunHold, need: Amount, final: boolean) {
    const turn = hold.filling.catch(() => {}).then(() => this.fill(hold, need, final));
    hold.filling = turn;
    return turn;
  }

  /** @returns why not, or nothing when the caller may try to draw again */
  private async fill(hold: RunHold, need: Amount, final: boolean) {
    if (hold.closing || hold.covers(need)) return undefined;
    if (this.overrun) await this.flush();
    const wish = hold.wish(need, performance.now());
    return this.ask(hold, { need, wish, keep: final ? "always" : "lasting" });
  }

  private async ask(hold: RunHold, what: Pick<HoldAsk, "need" | "wish" | "keep">) {
    const isNew = hold.budgets === undefined;
    const reply = await this.fills.fill({ hold: { ...hold.key, isNew }, ...what });
    // Nobody waits for what is asked ahead, so a slow disk is to hold up nobody who draws on the rest.
    if (reply.kind === "held" && what.need === NOTHING) await reply.disk?.done;
    if (reply.kind === "held") hold.fill(reply, performance.now());
    else if (reply.kind === "lost") this.retire(hold);
    else return reply;
    return undefined;
  }

  /** Fills what would soon be empty, all in one go, so that calls of busy runs need not wait for the database. */
  private fillAhead(): void {
    for (const hold of this.holds.values()) {
      const wish = hold.wishAhead(performance.now());
      if (wish === undefined || this.overrun) continue;
      const turn = hold.filling
        .catch(() => {})
        .then(() => this.ask(hold, { need: NOTHING, wish, keep: "never" }));
      hold.filling = turn;
      turn.catch(() => {}); // the call that needs it tries again, and says what is wrong
    }
  }

  private retire(hold: RunHold): void {
    hold.closing = true;
    this.closing.add(hold);
    for (const [name, known] of this.holds) if (known === hold) this.holds.delete(name);
  }

  private closeIdle(which: (hold: RunHold) => boolean): void {
    for (const hold of [...this.holds.values()])
      if (hold.budgets !== undefined && hold.isIdle && which(hold)) this.retire(hold);
  }

  private tick(): void {
    const now = performance.now();
    const month = monthOf(Date.now());
    this.closeIdle(
      (hold) =>
        hold.ended.aborted ||
        hold.key.period !== month ||
        now - hold.lastUsedMs > (hold.isSmall ? SMALL_IDLE_MS : IDLE_MS),
    );
    // Those that were refused from the first call on have nothing to give back.
    for (const [name, hold] of this.holds)
      if (hold.budgets === undefined && hold.ended.aborted && now - hold.lastUsedMs > PASSING_MS_MAX)
        this.holds.delete(name);
    if (this.closing.size > 0) this.flushSoon();
    if (now - this.renewedAtMs < RENEW_MS || this.holds.size + this.closing.size === 0) return;
    this.renewedAtMs = now;
    renewHolds(this.database, this.holder).catch((error) =>
      this.log.error({ err: error }, "budgets: what is set aside could not be renewed"),
    );
  }

  private flushSoon(): void {
    if (this.calls.length >= BATCH_CALLS_MAX) return void this.flushOrLog();
    this.flushTimer ??= setTimeout(() => void this.flushOrLog(), BATCH_WAIT_MS);
  }

  private async flushOrLog(): Promise<void> {
    try {
      await this.flush();
    } catch (error) {
      this.log.error({ err: error, calls: this.calls.length }, "budgets: calls could not be written down");
    }
  }

  private async writeBatch(): Promise<void> {
    clearTimeout(this.flushTimer);
    this.flushTimer = undefined;
    const { calls, free, overrun } = this;
    this.overrun = false;
    this.calls = [];
    this.free = [];
    this.fillAhead();
    const changed: [RunHold, HoldChange][] = [];
    for (const hold of [...this.holds.values(), ...this.closing]) {
      const change = hold.change();
      if (change !== undefined) changed.push([hold, change]);
    }
    if (calls.length + changed.length === 0) return;
    try {
      await settleBatch(this.database, { calls, free, changes: changed.map(([, change]) => change) });
    } catch (error) {
      this.overrun ||= overrun;
      this.calls = [...calls, ...this.calls];
      this.free = [...free, ...this.free];
      for (const [hold, change] of changed) hold.restore(change);
      this.flushTimer ??= setTimeout(() => void this.flushOrLog(), TICK_MS);
      throw error;
    }
    for (const [hold, change] of changed) if (change.close) this.closing.delete(hold);
  }
}

function ledgerStuck(cause?: unknown): AppError {
  return new AppError(
    "unavailable",
    "The use of models cannot be written down at the moment, so no call is let through; an admin must look at the server's database.",
    { cause },
  );
}
