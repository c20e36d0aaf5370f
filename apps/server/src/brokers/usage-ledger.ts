import type { UsageEntry, UsageLedger } from "@windshift/llm-broker/llm-grant.ts";
import type { LlmTarget } from "@windshift/llm-broker/llm-target.ts";
import type { BudgetHolds } from "../budgets/budget-holds.ts";
import type { ScopeKey } from "../budgets/use-store.ts";
import type { NewRow } from "../db/schema.ts";
import { amountOf } from "./llm-budgets.ts";

/**
 * Notes one row per model call, whatever became of it; rows are written together, with what budgets count of them.
 * @param uncapped the budgets that count a call although nothing was set aside for it
 */
export function createUsageLedger(
  holds: BudgetHolds,
  uncapped: (target: LlmTarget) => readonly ScopeKey[] | undefined,
): UsageLedger {
  return {
    record: async (entry) => {
      const budgets = uncapped(entry.target);
      const spent = amountOf(entry.target, entry.usage);
      holds.record(rowOf(entry, spent.cost), budgets && { budgets, spent });
    },
  };
}

function rowOf(entry: UsageEntry, cost: number): NewRow<"run_usage"> {
  const { target, usage } = entry;
  return {
    run_id: entry.runId,
    attempt: entry.attempt,
    connection_id: target.connectionId,
    model: target.model,
    input_tokens: usage.inputTokens,
    cached_input_tokens: usage.cachedInputTokens,
    output_tokens: usage.outputTokens,
    cost_micros: target.prices === null ? null : cost,
    estimated: entry.estimated ? 1 : 0,
    status: entry.status,
    duration_ms: Math.round(entry.durationMs),
    created_at_ms: Date.now(),
  };
}
