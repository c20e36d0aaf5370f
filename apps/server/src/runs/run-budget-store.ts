import { sql } from "kysely";
import { BudgetShort } from "../budgets/budget-short.ts";
import type { Queries } from "../db/database.ts";

/** Runs that wait for a budget, with what they were short of: the next after a run, in the order of their numbers. */
export async function listNextWaiting(
  db: Queries,
  afterRun: number,
  limit: number,
): Promise<{ id: number; short: BudgetShort }[]> {
  const rows = await db
    .selectFrom("runs")
    .select(["id", "budget_short"])
    .where("status", "=", sql.lit("waiting"))
    .where("reason", "=", "budget")
    .where("budget_short", "is not", null)
    .where("id", ">", afterRun)
    .orderBy("id")
    .limit(limit)
    .execute();
  return rows.map(({ id, budget_short }) => ({
    id,
    short: BudgetShort.parse(JSON.parse(budget_short ?? "null")),
  }));
}

/** Runs that wait for a budget: of a workspace, of a binding, or those that were short in a month before this one. */
export async function listWaitingForBudget(
  db: Queries,
  of: { scope: "workspace" | "binding"; id: number } | { monthBefore: string },
): Promise<number[]> {
  let query = db
    .selectFrom("runs")
    .select(["id", "budget_short"])
    .where("status", "=", sql.lit("waiting"))
    .where("reason", "=", "budget")
    .where("budget_short", "is not", null);
  if ("scope" in of) query = query.where(sql.ref(`${of.scope}_id`), "=", of.id);
  const rows = await query.orderBy("id").execute();
  return rows
    .filter(({ budget_short }) => {
      if ("scope" in of) return true;
      const { period } = BudgetShort.parse(JSON.parse(budget_short ?? "null"));
      return period !== "" && period < of.monthBefore;
    })
    .map(({ id }) => id);
}
