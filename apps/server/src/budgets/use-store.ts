import type { Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { type Amount, NOTHING, plus } from "./amount.ts";
import type { ScopedBudget } from "./budget-limits.ts";

export type ScopeKey = Pick<ScopedBudget, "scope" | "id" | "period">;

/** Rows of one statement: engines have a limit on bound values. */
export const ROWS_MAX = 500;

const RANK = { workspace: 0, binding: 1, run: 2 } as const;

/**
 * What is to be added to what budgets have held and spent, summed up per budget. It is written in the order in which
 * everybody locks the rows, so that two processes never wait for each other.
 */
export class UseTotals {
  private readonly totals = new Map<string, { key: ScopeKey; held: Amount; spent: Amount }>();

  add(budgets: readonly ScopeKey[], held: Amount, spent: Amount): void {
    for (const key of budgets) {
      const name = nameOf(key);
      const before = this.totals.get(name) ?? { key, held: NOTHING, spent: NOTHING };
      this.totals.set(name, { key, held: plus(before.held, held), spent: plus(before.spent, spent) });
    }
  }

  /** Makes rows that are missing and locks all of them until the transaction ends. @returns them as they are then */
  async write(tx: Queries): Promise<Uses> {
    const rows = this.inOrder().map(({ key, held, spent }) => ({
      scope: key.scope,
      scope_id: key.id,
      period: key.period,
      held_tokens: held.tokens,
      held_cost_micros: held.cost,
      tokens: spent.tokens,
      cost_micros: spent.cost,
    }));
    const written = new Uses();
    for (let at = 0; at < rows.length; at += ROWS_MAX)
      for (const row of await addRows(tx, rows.slice(at, at + ROWS_MAX))) written.set(row);
    return written;
  }

  private inOrder() {
    return [...this.totals.values()].sort(
      ({ key: a }, { key: b }) =>
        RANK[a.scope] - RANK[b.scope] || a.id - b.id || (a.period < b.period ? -1 : 1),
    );
  }
}

/** Budgets' rows as a transaction knows them. */
export class Uses {
  private readonly rows = new Map<string, Row<"budget_use">>();

  set(row: Row<"budget_use">): void {
    this.rows.set(nameOf({ scope: row.scope, id: row.scope_id, period: row.period }), row);
  }

  get(key: ScopeKey): Row<"budget_use"> {
    const row = this.rows.get(nameOf(key));
    if (row === undefined) throw new Error(`the budget ${nameOf(key)} was not locked`);
    return row;
  }

  /** Notes what is set aside in the rest of the transaction, before it is written. */
  hold(budgets: readonly ScopeKey[], amount: Amount): void {
    for (const key of budgets) {
      const row = this.get(key);
      this.set({
        ...row,
        held_tokens: row.held_tokens + amount.tokens,
        held_cost_micros: row.held_cost_micros + amount.cost,
      });
    }
  }
}

function nameOf({ scope, id, period }: { scope: string; id: number; period: string }): string {
  return `${scope} ${id} ${period}`;
}

type UseRow = Pick<
  Row<"budget_use">,
  "scope" | "scope_id" | "period" | "held_tokens" | "held_cost_micros" | "tokens" | "cost_micros"
>;

function addRows(tx: Queries, rows: readonly UseRow[]): Promise<Row<"budget_use">[]> {
  return tx
    .insertInto("budget_use")
    .values(rows)
    .onConflict((oc) =>
      oc.columns(["scope", "scope_id", "period"]).doUpdateSet((eb) => ({
        held_tokens: eb("budget_use.held_tokens", "+", eb.ref("excluded.held_tokens")),
        held_cost_micros: eb("budget_use.held_cost_micros", "+", eb.ref("excluded.held_cost_micros")),
        tokens: eb("budget_use.tokens", "+", eb.ref("excluded.tokens")),
        cost_micros: eb("budget_use.cost_micros", "+", eb.ref("excluded.cost_micros")),
      })),
    )
    .returningAll()
    .execute();
}
