import type { Queries } from "../db/database.ts";
import type { Measure } from "./amount.ts";
import { readRunBudgets, type ScopedBudget } from "./budget-limits.ts";
import type { BudgetShort } from "./budget-short.ts";

/** A budget with what is spent of it and what is set aside for calls on their way. */
export interface BudgetState extends ScopedBudget {
  spent: Record<Measure, number>;
  held: Record<Measure, number>;
}

/** How the budgets of a run stand: workspace, binding, run. */
export async function readBudgetStates(db: Queries, runId: number, month: string): Promise<BudgetState[]> {
  const { budgets } = await readRunBudgets(db, runId, month);
  return Promise.all(budgets.map((budget) => readState(db, budget)));
}

/** What a budget has spent and set aside; nothing when no call was counted in its period yet. */
export async function readState(db: Queries, budget: ScopedBudget): Promise<BudgetState> {
  const use = await db
    .selectFrom("budget_use")
    .selectAll()
    .where("scope", "=", budget.scope)
    .where("scope_id", "=", budget.id)
    .where("period", "=", budget.period)
    .executeTakeFirst();
  return {
    ...budget,
    spent: { tokens: use?.tokens ?? 0, cost: use?.cost_micros ?? 0 },
    held: { tokens: use?.held_tokens ?? 0, cost: use?.held_cost_micros ?? 0 },
  };
}

/**
 * The budget in which a call that was refused would be refused again; undefined when there is room in all.
 * @param counted `spent` for whoever may wait a little: most of what is set aside comes back
 */
export function findStillShort(
  states: readonly BudgetState[],
  before: BudgetShort,
  counted: "spent" | "spent_and_held",
): BudgetShort | undefined {
  const { measure, needed, attempt } = before;
  for (const { scope, id: scope_id, period, limit, spent, held } of states) {
    const most = limit[measure];
    const used = spent[measure] + (counted === "spent" ? 0 : held[measure]);
    if (most === null || used + needed <= most) continue;
    return { scope, scope_id, period, measure, used, limit: most, needed, attempt };
  }
  return undefined;
}
