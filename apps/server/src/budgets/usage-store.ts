import type { BudgetView, DayUsage, ModelUsage, UsageSum } from "@windshift/contract/api/usage.ts";
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from "kysely";
import type { Queries } from "../db/database.ts";
import type { Schema } from "../db/schema.ts";
import { spanOf } from "./budget-month.ts";
import type { BudgetState } from "./budget-state.ts";

/** A day of UTC, ms. */
const DAY_MS = 86_400_000;
/** Models that a month's sums name: more would hide those that matter. */
const MODELS_MAX = 100;

/** From its first millisecond to before its last. */
type Span = { fromMs: number; toMs: number };
type Calls = ExpressionBuilder<Schema, "run_usage" | "runs">;
type Which = (eb: Calls) => Expression<SqlBool>;

/** Sums over a run's calls, all in all and per model. */
export async function sumRunCalls(db: Queries, runId: number) {
  const rows = await sums(db, (eb) => eb("run_usage.run_id", "=", runId))
    .select(["run_usage.connection_id", "run_usage.model"])
    .groupBy(["run_usage.connection_id", "run_usage.model"])
    .orderBy("run_usage.model")
    .execute();
  const models = rows.map((row) => ({
    connection_id: row.connection_id,
    model: row.model,
    ...sumOf(row),
  }));
  return { ...total(models), models };
}

/** Sums over a workspace's calls of a month, per binding; runs of deleted ones together under null. */
export async function sumMonthCalls(db: Queries, workspaceId: number, month: string) {
  const rows = await sums(db, inSpan(spanOf(month), workspaceId))
    .select("runs.binding_id")
    .groupBy("runs.binding_id")
    .orderBy("runs.binding_id")
    .execute();
  return rows.map((row) => ({ binding_id: row.binding_id, ...sumOf(row) }));
}

/** Sums over a month's calls per model, those with most tokens first; of one workspace or of all. */
export async function sumMonthModels(
  db: Queries,
  month: string,
  workspaceId?: number,
): Promise<ModelUsage[]> {
  const rows = await sums(db, inSpan(spanOf(month), workspaceId))
    .select("run_usage.model")
    .groupBy("run_usage.model")
    .orderBy(sql`coalesce(sum(input_tokens), 0) + coalesce(sum(output_tokens), 0)`, "desc")
    .orderBy("run_usage.model")
    .limit(MODELS_MAX)
    .execute();
  return rows.map((row) => ({ model: row.model, ...sumOf(row) }));
}

/** Sums over calls per day (UTC); of one workspace or of all. */
export async function sumDays(db: Queries, span: Span, workspaceId?: number): Promise<DayUsage[]> {
  // Whole numbers divide to whole numbers on both engines.
  const day = sql<number>`run_usage.created_at_ms / ${sql.lit(DAY_MS)}`;
  const rows = await sums(db, inSpan(span, workspaceId))
    .select(day.as("day"))
    .groupBy(day)
    .orderBy(day)
    .execute();
  return rows.map((row) => ({
    day: new Date(row.day * DAY_MS).toISOString().slice(0, 10),
    ...sumOf(row),
  }));
}

/** Sums over a month's calls of each workspace that had any, by key. */
export async function sumMonthWorkspaces(db: Queries, month: string) {
  const rows = await sums(db, inSpan(spanOf(month)))
    .innerJoin("workspaces", "workspaces.id", "runs.workspace_id")
    .select(["workspaces.id", "workspaces.key", "workspaces.name", "workspaces.budget"])
    .groupBy(["workspaces.id", "workspaces.key", "workspaces.name", "workspaces.budget"])
    .orderBy("workspaces.key")
    .execute();
  return rows.map(({ id, key, name, budget, ...row }) => ({ id, key, name, budget, sum: sumOf(row) }));
}

function inSpan({ fromMs, toMs }: Span, workspaceId?: number): Which {
  return (eb) =>
    eb.and([
      eb("run_usage.created_at_ms", ">=", fromMs),
      eb("run_usage.created_at_ms", "<", toMs),
      ...(workspaceId === undefined ? [] : [eb("runs.workspace_id", "=", workspaceId)]),
    ]);
}

/** The sum of them; zeros of none. Costs are millionths. */
export function total(parts: readonly UsageSum[]): UsageSum {
  const sum: UsageSum = {
    calls: 0,
    input_tokens: 0,
    cached_input_tokens: 0,
    output_tokens: 0,
    unknown_calls: 0,
    estimated_calls: 0,
    cost_micros: 0,
  };
  for (const part of parts) {
    sum.calls += part.calls;
    sum.input_tokens += part.input_tokens;
    sum.cached_input_tokens += part.cached_input_tokens;
    sum.output_tokens += part.output_tokens;
    sum.unknown_calls += part.unknown_calls;
    sum.estimated_calls += part.estimated_calls;
    sum.cost_micros =
      sum.cost_micros === null || part.cost_micros === null ? null : sum.cost_micros + part.cost_micros;
  }
  return sum;
}

/** As people see it: what is set aside counts as used. Costs are millionths. */
export function viewBudget(state: BudgetState): BudgetView {
  return {
    scope: state.scope,
    month: state.period === "" ? null : state.period,
    tokens_used: state.spent.tokens + state.held.tokens,
    tokens_max: state.limit.tokens,
    cost_micros_used: state.spent.cost + state.held.cost,
    cost_micros_max: state.limit.cost,
  };
}

function sums(db: Queries, which: Which) {
  return db
    .selectFrom("run_usage")
    .innerJoin("runs", "runs.id", "run_usage.run_id")
    .where((eb) => which(eb as Calls))
    .select((eb) => [
      eb.fn.countAll<number>().as("calls"),
      eb.fn.count<number>("input_tokens").as("known"),
      eb.fn.count<number>("cost_micros").as("priced"),
      whole("input_tokens").as("input_tokens"),
      whole("cached_input_tokens").as("cached_input_tokens"),
      whole("output_tokens").as("output_tokens"),
      whole("cost_micros").as("cost_micros"),
      whole("estimated").as("estimated"),
    ]);
}

/** PostgreSQL's sum of 64-bit values is a decimal; a ledger's sums fit into 53 bits. */
function whole(column: string) {
  return sql<number>`cast(coalesce(sum(${sql.ref(column)}), 0) as bigint)`;
}

type Sums = Awaited<ReturnType<ReturnType<typeof sums>["execute"]>>[number];

function sumOf(row: Sums): UsageSum {
  return {
    calls: row.calls,
    input_tokens: row.input_tokens,
    cached_input_tokens: row.cached_input_tokens,
    output_tokens: row.output_tokens,
    unknown_calls: row.calls - row.known,
    estimated_calls: row.estimated,
    cost_micros: row.priced === row.calls ? row.cost_micros : null,
  };
}
