import type { AgentRunUsage } from "@windshift/contract/api/run.ts";
import type { WorkspaceUsage } from "@windshift/contract/api/usage.ts";
import { BindingBudget, Budget } from "@windshift/contract/budget.ts";
import type { Queries } from "../db/database.ts";
import { limitOf } from "./budget-limits.ts";
import { monthOf } from "./budget-month.ts";
import { type BudgetShort, parseShort } from "./budget-short.ts";
import { readBudgetStates, readState } from "./budget-state.ts";
import { sumMonthCalls, sumMonthParts, sumRunCalls, total, viewBudget } from "./usage-store.ts";

/** What a run used, and how its budgets stand this month. */
export async function readRunUsage(db: Queries, runId: number): Promise<AgentRunUsage> {
  const { budget_short } = await db
    .selectFrom("runs")
    .select("budget_short")
    .where("id", "=", runId)
    .executeTakeFirstOrThrow();
  const states = await readBudgetStates(db, runId, monthOf(Date.now()));
  const limited = states.filter(({ limit }) => limit.tokens !== null || limit.cost !== null);
  return {
    ...(await sumRunCalls(db, runId)),
    budgets: limited.map(viewBudget),
    short: viewShort(parseShort(budget_short)),
  };
}

/** What a workspace used in a month, per binding, and how the month's budgets stand. */
export async function readWorkspaceUsage(
  db: Queries,
  workspaceId: number,
  month: string,
): Promise<WorkspaceUsage> {
  const { budget } = await db
    .selectFrom("workspaces")
    .select("budget")
    .where("id", "=", workspaceId)
    .executeTakeFirstOrThrow();
  const bindings = await db
    .selectFrom("bindings")
    .innerJoin("user", "user.id", "bindings.agent_user_id")
    .select(["bindings.id", "bindings.budget", "user.id as user_id", "user.name"])
    .where("workspace_id", "=", workspaceId)
    .orderBy("bindings.id")
    .execute();
  const used = await sumMonthCalls(db, workspaceId, month);
  const budgetOf = async (scope: "workspace" | "binding", id: number, limits: Budget) =>
    viewBudget(await readState(db, { scope, id, period: month, limit: limitOf(limits) }));
  const rows = await Promise.all(
    bindings.map(async ({ id, user_id, name, ...binding }) => ({
      ...(used.find((row) => row.binding_id === id) ?? total([])),
      binding_id: id,
      agent: { user_id, name },
      budget: await budgetOf("binding", id, BindingBudget.parse(JSON.parse(binding.budget)).month),
    })),
  );
  const others = used.filter((row) => !bindings.some(({ id }) => id === row.binding_id));
  return {
    month,
    ...total(used),
    ...(await sumMonthParts(db, month, workspaceId)),
    budget: await budgetOf("workspace", workspaceId, Budget.parse(JSON.parse(budget))),
    bindings: [...rows, ...others.map((row) => ({ ...row, agent: null, budget: null }))],
  };
}

function viewShort(short: BudgetShort | null): AgentRunUsage["short"] {
  if (short === null) return null;
  const { scope, period, measure, needed } = short;
  return {
    scope,
    month: period === "" ? null : period,
    tokens: measure === "tokens" ? needed : null,
    cost_micros: measure === "cost" ? needed : null,
  };
}
