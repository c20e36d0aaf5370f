import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { type Amount, combine, least, MEASURES } from "./amount.ts";
import { readRunBudgets, type ScopedBudget } from "./budget-limits.ts";
import type { BudgetShort } from "./budget-short.ts";

/** How long a hold outlives the last sign of its process, ms: several renewals; then what it holds counts as spent. */
export const HOLD_MS = 60_000;
/** Beyond its call a hold takes at most this part of what is left of a budget: runs beside it are not starved. */
const ROOM_PARTS = 8;

export interface HoldKey {
  id: string;
  runId: number;
  attempt: number;
  /** The server process. */
  holder: string;
  /** `2026-11` */
  period: string;
}

export type HoldReply =
  /** Set aside, in these budgets. */
  | { kind: "held"; amount: Amount; budgets: ScopedBudget[] }
  /** `passing`: only what is set aside for other calls stands in the way, and most of it comes back. */
  | { kind: "short"; short: BudgetShort; passing: boolean }
  /** The hold expired and counted as spent; a new one is needed. */
  | { kind: "lost" };

type Uses = Row<"budget_use">[];

/**
 * Sets an amount aside in all budgets of a run at once, or in none. The rows are locked in the same order by everybody,
 * so two processes never both see room for what only one may have.
 * @param wish what is held when there is plenty
 * @param final a refusal is kept on the run even when it may pass
 */
export function holdAmount(
  database: Database,
  hold: HoldKey & { isNew: boolean },
  need: Amount,
  wish: Amount,
  final: boolean,
): Promise<HoldReply> {
  return database.transaction(async (tx) => {
    // A write comes first: SQLite then waits for other processes instead of failing.
    if (!(await (hold.isNew ? insertHold : touchHold)(database, tx, hold))) return { kind: "lost" };
    const { budgets, short: before } = await readRunBudgets(tx, hold.runId, hold.period);
    const uses = await lockUses(tx, budgets);
    const refused = findShort(budgets, uses, need, hold.attempt);
    if (refused !== undefined) {
      if (hold.isNew) await tx.deleteFrom("budget_holds").where("id", "=", hold.id).execute();
      if (final || !refused.passing) await keepShort(tx, hold, refused.short);
      return { kind: "short", ...refused };
    }
    const spare = combine(wish, roomOf(budgets, uses), (most, room) => Math.min(most, room / ROOM_PARTS));
    const amount = combine(need, spare, (least, more) => Math.max(least, Math.floor(more)));
    await addToHold(tx, hold.id, amount);
    await addToUses(tx, budgets, { held: amount });
    if (before !== null) await keepShort(tx, hold, null);
    return { kind: "held", amount, budgets };
  });
}

/** Adds to what budgets have held and spent; in the given order, which is everybody's. */
export async function addToUses(
  tx: Queries,
  budgets: readonly Pick<ScopedBudget, "scope" | "id" | "period">[],
  by: { held: Amount; spent?: Amount },
): Promise<void> {
  const spent = by.spent ?? { tokens: 0, cost: 0 };
  for (const { scope, id, period } of budgets) {
    await tx
      .updateTable("budget_use")
      .set((eb) => ({
        held_tokens: eb("held_tokens", "+", by.held.tokens),
        held_cost_micros: eb("held_cost_micros", "+", by.held.cost),
        tokens: eb("tokens", "+", spent.tokens),
        cost_micros: eb("cost_micros", "+", spent.cost),
      }))
      .where("scope", "=", scope)
      .where("scope_id", "=", id)
      .where("period", "=", period)
      .execute();
  }
}

async function insertHold(database: Database, tx: Queries, hold: HoldKey): Promise<boolean> {
  await tx
    .insertInto("budget_holds")
    .values((eb) => ({
      id: hold.id,
      run_id: hold.runId,
      attempt: hold.attempt,
      holder: hold.holder,
      period: hold.period,
      tokens: 0,
      cost_micros: 0,
      expires_at_ms: eb(dbNowMs(database.engine), "+", HOLD_MS),
    }))
    .execute();
  return true;
}

async function touchHold(database: Database, tx: Queries, hold: HoldKey): Promise<boolean> {
  const row = await tx
    .updateTable("budget_holds")
    .set((eb) => ({ expires_at_ms: eb(dbNowMs(database.engine), "+", HOLD_MS) }))
    .where("id", "=", hold.id)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

/** The rows of the budgets, made if need be, locked in their order until the transaction ends. */
async function lockUses(tx: Queries, budgets: readonly ScopedBudget[]): Promise<Uses> {
  const rows: Uses = [];
  for (const { scope, id, period } of budgets)
    rows.push(
      await tx
        .insertInto("budget_use")
        .values({ scope, scope_id: id, period })
        .onConflict((oc) =>
          oc
            .columns(["scope", "scope_id", "period"])
            .doUpdateSet((eb) => ({ tokens: eb.ref("budget_use.tokens") })),
        )
        .returningAll()
        .executeTakeFirstOrThrow(),
    );
  return rows;
}

function spentOf(use: Uses[number]): Amount {
  return { tokens: use.tokens, cost: use.cost_micros };
}

function takenOf(use: Uses[number]): Amount {
  return { tokens: use.tokens + use.held_tokens, cost: use.cost_micros + use.held_cost_micros };
}

/** What is left for everybody; infinite where no budget sets a limit. */
function roomOf(budgets: readonly ScopedBudget[], uses: Uses): Amount {
  return budgets.reduce<Amount>(
    (room, { limit }, index) => {
      const taken = takenOf(uses[index] as Uses[number]);
      const left = combine(taken, taken, () => Number.POSITIVE_INFINITY);
      for (const measure of MEASURES) {
        const most = limit[measure];
        if (most !== null) left[measure] = most - taken[measure];
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
  const found = budgets.flatMap((budget, index) =>
    MEASURES.flatMap((measure) => {
      const limit = budget.limit[measure];
      const use = uses[index] as Uses[number];
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

async function addToHold(tx: Queries, id: string, amount: Amount): Promise<void> {
  await tx
    .updateTable("budget_holds")
    .set((eb) => ({
      tokens: eb("tokens", "+", amount.tokens),
      cost_micros: eb("cost_micros", "+", amount.cost),
    }))
    .where("id", "=", id)
    .execute();
}

async function keepShort(tx: Queries, hold: HoldKey, short: BudgetShort | null): Promise<void> {
  await tx
    .updateTable("runs")
    .set({ budget_short: short === null ? null : JSON.stringify(short) })
    .where("id", "=", hold.runId)
    .where("attempt", "=", hold.attempt)
    .execute();
}
