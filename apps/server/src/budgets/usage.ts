import type { AgentRunUsage } from "@windshift/contract/api/run.ts";
import type { AdminUsage, WorkspaceUsage } from "@windshift/contract/api/usage.ts";
import { BindingBudget, Budget } from "@windshift/contract/budget.ts";
import type { Queries } from "../db/database.ts";
import { limitOf } from "./budget-limits.ts";
import { monthOf, monthsUntil, spanOf } from "./budget-month.ts";
import { type BudgetShort, parseShort } from "./budget-short.ts";
import { readBudgetStates, readState } from "./budget-state.ts";
import {
  sumDays,
  sumMonthCalls,
  sumMonthModels,
  sumMonthWorkspaces,
  sumRunCalls,
  total,
  viewBudget,
} from "./usage-store.ts";

/** Months that the usage of the installation shows, the one that was asked for included. */
const MONTHS_SHOWN = 12;

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
    models: await sumMonthModels(db, month, workspaceId),
    days: await sumDays(db, spanOf(month), workspaceId),
    budget: await budgetOf("workspace", workspaceId, Budget.parse(JSON.parse(budget))),
    bindings: [...rows, ...others.map((row) => ({ ...row, agent: null, budget: null }))],
  };
}

/** What the whole installation used in a month: per workspace, model and day, and the year before it by month. */
export async function readAdminUsage(db: Queries, month: string): Promise<AdminUsage> {
  const months = monthsUntil(month, MONTHS_SHOWN);
  const days = await sumDays(db, { fromMs: spanOf(months[0] ?? month).fromMs, toMs: spanOf(month).toMs });
  const workspaces = await Promise.all(
    (await sumMonthWorkspaces(db, month)).map(async ({ id, key, name, budget, sum }) => {
      const limit = limitOf(Budget.parse(JSON.parse(budget)));
      const state = await readState(db, { scope: "workspace", id, period: month, limit });
      return { ...sum, key, name, budget: viewBudget(state) };
    }),
  );
  const daysOf = (wanted: string) => days.filter(({ day }) => day.startsWith(wanted));
  return {
    month,
    ...total(daysOf(month)),
    workspaces,
    models: await sumMonthModels(db, month),
    days: daysOf(month),
    months: months.map((each) => ({ month: each, ...total(daysOf(each)) })),
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
