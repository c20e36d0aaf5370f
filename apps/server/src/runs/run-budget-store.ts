import { sql } from "kysely";
import { type BudgetShort, parseShort } from "../budgets/budget-short.ts";
import type { Queries } from "../db/database.ts";
import { UNENDED, UNINDEXED_RUN_ID } from "../db/unended-runs.ts";

/** Runs that wait for a budget, with what they were short of: the next after a run, in the order of their numbers. */
export async function listNextWaiting(
  db: Queries,
  afterRun: number,
  limit: number,
): Promise<{ id: number; short: BudgetShort }[]> {
  const rows = await waiting(db)
    .select(["id", "budget_short"])
    .where(UNINDEXED_RUN_ID, ">", afterRun)
    .orderBy(UNINDEXED_RUN_ID)
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
  return db
    .selectFrom("runs")
    .where(UNENDED)
    .where("status", "=", sql.lit("waiting"))
    .where("reason", "=", "budget")
    .where("budget_short", "is not", null);
}
