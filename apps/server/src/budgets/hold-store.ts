import type { Database, DiskWait, Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { type Amount, combine, covers, least, MEASURES, NOTHING, times } from "./amount.ts";
import { findRunBudgets, type RunBudgets, type ScopedBudget } from "./budget-limits.ts";
import type { BudgetShort } from "./budget-short.ts";
import { addToHolds, deleteHolds, insertHolds, touchHolds } from "./hold-rows.ts";
import { type Uses, UseTotals } from "./use-store.ts";

/** Beyond its call a hold takes at most this part of what is left of a budget: runs beside it are not starved. */
const ROOM_PARTS = 8;
/** What is at most this part of what is left stands in nobody's way. */
const SMALL_PARTS = 64;

export interface HoldKey {
  id: string;
  runId: number;
  attempt: number;
  /** The server process. */
  holder: string;
  /** `2026-11` */
  period: string;
}

/** What one hold wants to have set aside. */
export interface HoldAsk {
  hold: HoldKey & { isNew: boolean };
  /** The least that is of use: a call's; nothing when it is asked ahead of calls. */
  need: Amount;
  /** What is held when there is plenty. */
  wish: Amount;
  /** Whether a refusal is kept on the run: never, when it will not pass by itself, or in any case. */
  keep: "never" | "lasting" | "always";
}

export type HoldReply =
  /** Set aside, in these budgets. `small`: a little of what is left in each. */
  | {
      kind: "held";
      amount: Amount;
      budgets: ScopedBudget[];
      small: boolean;
      /** Undefined when it is on the disk. */
      disk: DiskWait | undefined;
    }
  /** `passing`: only what is set aside for other calls stands in the way, and most of it comes back. */
  | { kind: "short"; short: BudgetShort; passing: boolean }
  /** The hold expired and counted as spent; a new one is needed. */
  | { kind: "lost" };

/**
 * Sets amounts aside for many holds in one transaction, each in all budgets of its run at once or in none; those asked
 * for first come first. The rows are locked in the same order by everybody, so two processes never both see room for
 * what only one may have. Committed when it resolves, and on its way to the disk.
 * @param asks no hold twice
 * @returns in the order of `asks`
 */
export async function holdAmounts(database: Database, asks: readonly HoldAsk[]): Promise<HoldReply[]> {
  const { result, disk } = await database.followedTransaction(async (tx) => {
    // A write comes first: SQLite then waits for other processes instead of failing.
    const there = await enterHolds(database, tx, asks);
    const month = ({ hold }: HoldAsk) => ({ runId: hold.runId, month: hold.period });
    const found = await findRunBudgets(tx, asks.map(month));
    const uses = await lockUses(tx, found);
    const replies = asks.map((ask, at): HoldReply => {
      const run = found[at];
      return run !== undefined && there.has(ask.hold.id) ? share(ask, run, uses) : { kind: "lost" };
    });
    await writeHeld(tx, asks, replies);
    await keepShorts(tx, asks, replies, found);
    return replies;
  });
  return result.map((reply) => (reply.kind === "held" ? { ...reply, disk } : reply));
}

async function enterHolds(database: Database, tx: Queries, asks: readonly HoldAsk[]): Promise<Set<string>> {
  const fresh = asks.filter(({ hold }) => hold.isNew).map(({ hold }) => hold);
  const old = asks.filter(({ hold }) => !hold.isNew).map(({ hold }) => hold.id);
  await insertHolds(database, tx, fresh);
  return new Set([...fresh.map(({ id }) => id), ...(await touchHolds(database, tx, old))]);
}

/** The rows of the budgets, made if need be, locked until the transaction ends. */
function lockUses(tx: Queries, found: readonly (RunBudgets | undefined)[]): Promise<Uses> {
  const totals = new UseTotals();
  for (const run of found) if (run !== undefined) totals.add(run.budgets, NOTHING, NOTHING);
  return totals.write(tx);
}

/** What this hold gets, of which those after it see only the rest. */
function share({ hold, need, wish }: HoldAsk, { budgets }: RunBudgets, uses: Uses): HoldReply {
  const refused = findShort(budgets, uses, need, hold.attempt);
  if (refused !== undefined) return { kind: "short", ...refused };
  const room = roomOf(budgets, uses);
  const spare = combine(wish, room, (most, room) => Math.min(most, room / ROOM_PARTS));
  const amount = combine(need, spare, (least, more) => Math.max(least, Math.floor(more)));
  uses.hold(budgets, amount);
  return { kind: "held", amount, budgets, small: covers(room, times(amount, SMALL_PARTS)), disk: undefined };
}

async function writeHeld(tx: Queries, asks: readonly HoldAsk[], replies: readonly HoldReply[]) {
  const totals = new UseTotals();
  const changes: { id: string; by: Amount }[] = [];
  const refused: string[] = [];
  for (const [at, { hold }] of asks.entries()) {
    const reply = replies[at];
    if (reply?.kind === "held") {
      totals.add(reply.budgets, reply.amount, NOTHING);
      changes.push({ id: hold.id, by: reply.amount });
    } else if (hold.isNew) refused.push(hold.id);
  }
  await deleteHolds(tx, refused);
  await addToHolds(tx, changes);
  await totals.write(tx);
}

async function keepShorts(
  tx: Queries,
  asks: readonly HoldAsk[],
  replies: readonly HoldReply[],
  found: readonly (RunBudgets | undefined)[],
): Promise<void> {
  for (const [at, { hold, keep }] of asks.entries()) {
    const reply = replies[at];
    if (keep === "never" || reply === undefined || reply.kind === "lost") continue;
    if (reply.kind === "held") {
      if (found[at]?.short !== null) await keepShort(tx, hold, null);
    } else if (keep === "always" || !reply.passing) await keepShort(tx, hold, reply.short);
  }
}

function spentOf(use: Row<"budget_use">): Amount {
  return { tokens: use.tokens, cost: use.cost_micros };
}

function takenOf(use: Row<"budget_use">): Amount {
  return { tokens: use.tokens + use.held_tokens, cost: use.cost_micros + use.held_cost_micros };
}

/** What is left for everybody; infinite where no budget sets a limit. */
function roomOf(budgets: readonly ScopedBudget[], uses: Uses): Amount {
  return budgets.reduce<Amount>(
    (room, budget) => {
      const taken = takenOf(uses.get(budget));
      const left = combine(taken, taken, () => Number.POSITIVE_INFINITY);
      for (const measure of MEASURES) {
        const most = budget.limit[measure];
        if (most !== null) left[measure] = Math.max(0, most - taken[measure]);
      }
      return least(room, left);
    },
    { tokens: Number.POSITIVE_INFINITY, cost: Number.POSITIVE_INFINITY },
  );
}

/** The tightest budget that has no room; one that is spent comes before one that others have set aside. */
function findShort(
  budgets: readonly ScopedBudget[],
  uses: Uses,
  need: Amount,
  attempt: number,
): { short: BudgetShort; passing: boolean } | undefined {
  const found = budgets.flatMap((budget) =>
    MEASURES.flatMap((measure) => {
      const limit = budget.limit[measure];
      const use = uses.get(budget);
      const used = takenOf(use)[measure];
      if (limit === null || used + need[measure] <= limit) return [];
      const passing = spentOf(use)[measure] + need[measure] <= limit;
      const { scope, id: scope_id, period } = budget;
      const short = { scope, scope_id, period, measure, used, limit, needed: need[measure], attempt };
      return [{ short, passing }];
    }),
  );
  return found.find(({ passing }) => !passing) ?? found[0];
}

async function keepShort(tx: Queries, hold: HoldKey, short: BudgetShort | null): Promise<void> {
  await tx
    .updateTable("runs")
    .set({ budget_short: short === null ? null : JSON.stringify(short) })
    .where("id", "=", hold.runId)
    .where("attempt", "=", hold.attempt)
    .execute();
}
