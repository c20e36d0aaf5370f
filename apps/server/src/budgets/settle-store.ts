import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import type { NewRow } from "../db/schema.ts";
import { type Amount, isNothing, minus, NOTHING, plus } from "./amount.ts";
import type { ScopedBudget } from "./budget-limits.ts";
import { addToUses, HOLD_MS } from "./hold-store.ts";

export type ScopeKey = Pick<ScopedBudget, "scope" | "id" | "period">;

/** What became of a part of one hold since it was last written down. */
export interface HoldChange {
  id: string;
  budgets: readonly ScopeKey[];
  /** Comes out of the hold. */
  taken: Amount;
  /** Was used up; more than was taken only when a provider went over its cap. */
  spent: Amount;
  /** Ends the hold and gives its rest back. */
  close: boolean;
}

/** Rows of one statement: engines have a limit on bound values. */
const ROWS_MAX = 500;

/** What a call used up that nothing was set aside for, because no budget held for it: one set later counts it. */
export interface FreeSpending {
  budgets: readonly ScopeKey[];
  spent: Amount;
}

export interface SettleBatch {
  calls: readonly NewRow<"run_usage">[];
  changes: readonly HoldChange[];
  free: readonly FreeSpending[];
}

/** Writes calls down and takes what they cost out of the holds: all of it or nothing. */
export function settleBatch(database: Database, { calls, changes, free }: SettleBatch): Promise<void> {
  return database.transaction(async (tx) => {
    for (let at = 0; at < calls.length; at += ROWS_MAX)
      await tx
        .insertInto("run_usage")
        .values(calls.slice(at, at + ROWS_MAX))
        .execute();
    const totals = new UseTotals();
    for (const change of [...changes].sort((a, b) => (a.id < b.id ? -1 : 1))) {
      const taken = await (change.close ? deleteHold : reduceHold)(tx, change);
      // A hold that is gone expired: all of it was counted as spent then.
      if (taken !== undefined) totals.add(change.budgets, minus(NOTHING, taken), change.spent);
    }
    for (const { budgets, spent } of free) totals.add(budgets, NOTHING, spent);
    if (free.length > 0) await totals.makeRows(tx);
    await totals.write(tx);
  });
}

/** Says that the process is alive. */
export async function renewHolds(database: Database, holder: string): Promise<void> {
  await database.kysely
    .updateTable("budget_holds")
    .set((eb) => ({ expires_at_ms: eb(dbNowMs(database.engine), "+", HOLD_MS) }))
    .where("holder", "=", holder)
    .execute();
}

/**
 * Counts as spent what processes that are gone had set aside: their calls may have cost it. Each becomes a row of the
 * run's usage that says so, with all its tokens as input.
 * @returns the holds
 */
export function expireHolds(database: Database): Promise<number> {
  return database.transaction(async (tx) => {
    const gone = await tx
      .deleteFrom("budget_holds")
      .where("expires_at_ms", "<", dbNowMs(database.engine))
      .returningAll()
      .execute();
    const totals = new UseTotals();
    for (const hold of gone.sort((a, b) => (a.id < b.id ? -1 : 1))) {
      const amount = { tokens: hold.tokens, cost: hold.cost_micros };
      if (isNothing(amount)) continue;
      totals.add(await scopesOf(tx, hold.run_id, hold.period), minus(NOTHING, amount), amount);
      await tx
        .insertInto("run_usage")
        .values({
          run_id: hold.run_id,
          attempt: hold.attempt,
          model: LOST_MODEL,
          input_tokens: amount.tokens,
          output_tokens: 0,
          // Without a price nothing was set aside, and what it cost is not known.
          cost_micros: amount.cost === 0 ? null : amount.cost,
          estimated: 1,
          status: LOST_STATUS,
          duration_ms: 0,
          created_at_ms: dbNowMs(database.engine),
        })
        .execute();
    }
    await totals.write(tx);
    return gone.length;
  });
}

/** Stands in the place of the model where calls are not known one by one. */
export const LOST_MODEL = "unknown (the server ended during a call)";
/** Nobody was answered. */
const LOST_STATUS = 0;

async function scopesOf(tx: Queries, runId: number, period: string): Promise<ScopeKey[]> {
  const run = await tx
    .selectFrom("runs")
    .select(["workspace_id", "binding_id"])
    .where("id", "=", runId)
    .executeTakeFirstOrThrow();
  return [
    { scope: "workspace", id: run.workspace_id, period },
    ...(run.binding_id === null ? [] : [{ scope: "binding" as const, id: run.binding_id, period }]),
    { scope: "run", id: runId, period: "" },
  ];
}

async function reduceHold(tx: Queries, change: HoldChange): Promise<Amount | undefined> {
  const row = await tx
    .updateTable("budget_holds")
    .set((eb) => ({
      tokens: eb("tokens", "-", change.taken.tokens),
      cost_micros: eb("cost_micros", "-", change.taken.cost),
    }))
    .where("id", "=", change.id)
    .returning("id")
    .executeTakeFirst();
  return row && change.taken;
}

async function deleteHold(tx: Queries, change: HoldChange): Promise<Amount | undefined> {
  const row = await tx
    .deleteFrom("budget_holds")
    .where("id", "=", change.id)
    .returning(["tokens", "cost_micros"])
    .executeTakeFirst();
  return row && { tokens: row.tokens, cost: row.cost_micros };
}

const RANK = { workspace: 0, binding: 1, run: 2 } as const;

/** Sums per budget, written in the order in which everybody locks them. */
class UseTotals {
  private readonly totals = new Map<string, { key: ScopeKey; held: Amount; spent: Amount }>();

  add(budgets: readonly ScopeKey[], held: Amount, spent: Amount): void {
    for (const key of budgets) {
      const name = `${key.scope} ${key.id} ${key.period}`;
      const before = this.totals.get(name) ?? { key, held: NOTHING, spent: NOTHING };
      this.totals.set(name, { key, held: plus(before.held, held), spent: plus(before.spent, spent) });
    }
  }

  async write(tx: Queries): Promise<void> {
    for (const { key, held, spent } of this.inOrder()) await addToUses(tx, [key], { held, spent });
  }

  async makeRows(tx: Queries): Promise<void> {
    for (const { key } of this.inOrder())
      await tx
        .insertInto("budget_use")
        .values({ scope: key.scope, scope_id: key.id, period: key.period })
        .onConflict((oc) => oc.columns(["scope", "scope_id", "period"]).doNothing())
        .execute();
  }

  private inOrder() {
    return [...this.totals.values()].sort(
      ({ key: a }, { key: b }) =>
        RANK[a.scope] - RANK[b.scope] || a.id - b.id || (a.period < b.period ? -1 : 1),
    );
  }
}
