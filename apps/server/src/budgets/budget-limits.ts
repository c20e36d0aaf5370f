import { assert } from "@windshift/contract/app-error.ts";
import { BindingBudget, Budget } from "@windshift/contract/budget.ts";
import { z } from "zod";
import type { Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import type { Measure } from "./amount.ts";
import { type BudgetShort, parseShort } from "./budget-short.ts";

/** One budget that holds for a run. */
export interface ScopedBudget {
  scope: BudgetShort["scope"];
  id: number;
  /** Empty for a run. */
  period: string;
  /** Null: no limit. */
  limit: Record<Measure, number | null>;
}

export interface RunBudgets {
  /** Workspace, binding, run: the order in which they are locked. A run whose binding was deleted has two. */
  budgets: ScopedBudget[];
  short: BudgetShort | null;
}

/** What the grants of a run say of budgets; the rest of them is for others. */
const GrantedBudget = z.object({ budget: Budget.prefault({}) }).nullable();

/** The budgets of a run as they are now: those of the month may have been raised or cut since it was queued. */
export async function readRunBudgets(db: Queries, runId: number, month: string): Promise<RunBudgets> {
  const [budgets] = await findRunBudgets(db, [{ runId, month }]);
  assert(budgets !== undefined, `run ${runId} has a call but no row`);
  return budgets;
}

/** The same for many runs at once, in the given order; undefined for a run that is gone. */
export async function findRunBudgets(
  db: Queries,
  asked: readonly { runId: number; month: string }[],
): Promise<(RunBudgets | undefined)[]> {
  const rows = await selectLimits(db, [...new Set(asked.map(({ runId }) => runId))]);
  const byRun = new Map(rows.map((row) => [row.id, row]));
  return asked.map(({ runId, month }) => {
    const row = byRun.get(runId);
    return row && { budgets: budgetsOf(row, month), short: parseShort(row.budget_short) };
  });
}

function selectLimits(db: Queries, runIds: number[]) {
  return db
    .selectFrom("runs")
    .innerJoin("workspaces", "workspaces.id", "runs.workspace_id")
    .leftJoin("bindings", "bindings.id", "runs.binding_id")
    .select([...LIMIT_COLUMNS, "budget_short"])
    .where("runs.id", "in", runIds)
    .execute();
}

/** What says which budgets hold for a run; of runs joined with their workspace and, where there is one, their binding. */
export const LIMIT_COLUMNS = [
  "runs.id",
  "runs.workspace_id",
  "runs.binding_id",
  "runs.grants",
  "runs.budget_tokens_added",
  "runs.budget_cost_micros_added",
  "workspaces.budget as workspace_budget",
  "bindings.budget as binding_budget",
] as const;

export interface LimitRow
  extends Pick<
    Row<"runs">,
    "id" | "workspace_id" | "binding_id" | "grants" | "budget_tokens_added" | "budget_cost_micros_added"
  > {
  workspace_budget: string;
  /** Null when the run has no binding, or that was deleted. */
  binding_budget: string | null;
}

/** Workspace, binding, run. */
export function budgetsOf(row: LimitRow, month: string): ScopedBudget[] {
  const own = limitOf(GrantedBudget.parse(JSON.parse(row.grants))?.budget ?? Budget.parse({}));
  const budgets: ScopedBudget[] = [
    { scope: "workspace", id: row.workspace_id, period: month, limit: limitOf(parse(row.workspace_budget)) },
  ];
  if (row.binding_id !== null && row.binding_budget !== null) {
    const { month: limit } = BindingBudget.parse(JSON.parse(row.binding_budget));
    budgets.push({ scope: "binding", id: row.binding_id, period: month, limit: limitOf(limit) });
  }
  budgets.push({
    scope: "run",
    id: row.id,
    period: "",
    limit: {
      tokens: own.tokens === null ? null : own.tokens + row.budget_tokens_added,
      cost: own.cost === null ? null : own.cost + row.budget_cost_micros_added,
    },
  });
  return budgets;
}

function parse(json: string): Budget {
  return Budget.parse(JSON.parse(json));
}

/** A budget as the contract writes it, by measure. */
export function limitOf(budget: Budget): ScopedBudget["limit"] {
  return { tokens: budget.tokens_max, cost: budget.cost_micros_max };
}
