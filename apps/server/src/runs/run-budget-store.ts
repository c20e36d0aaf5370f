import { sql } from "kysely";
import { type BudgetShort, parseShort } from "../budgets/budget-short.ts";
import type { Queries } from "../db/database.ts";

/** Runs that wait for a budget, with what they were short of: the next after a run, in the order of their numbers. */
export async function listNextWaiting(
  db: Queries,
  afterRun: number,
  limit: number,
): Promise<{ id: number; short: BudgetShort }[]> {
  // Not the order of the table: SQLite would go through all of it for that.
  const id = sql<number>`+id`;
  const rows = await waiting(db)
    .select(["id", "budget_short"])
    .where(id, ">", afterRun)
    .orderBy(id)
    .limit(limit)
    .execute();
  return rows.flatMap(({ id, budget_short }) => {
    const short = parseShort(budget_short);
    return short === null ? [] : [{ id, short }];
  });
}

/** Runs of a workspace or a binding that wait for a budget. */
export async function listWaitingForBudget(
  db: Queries,
  of: { scope: "workspace" | "binding"; id: number },
): Promise<number[]> {
  const rows = await waiting(db)
    .select("id")
    .where(sql.ref(`${of.scope}_id`), "=", of.id)
    .orderBy("id")
    .execute();
  return rows.map(({ id }) => id);
}

function waiting(db: Queries) {
  return (
    db
      .selectFrom("runs")
      // In the words of the index of runs that have not ended: to SQLite it is of no use otherwise.
      .where(sql<boolean>`status in ('queued', 'running', 'waiting')`)
      .where("status", "=", sql.lit("waiting"))
      .where("reason", "=", "budget")
      .where("budget_short", "is not", null)
  );
}
