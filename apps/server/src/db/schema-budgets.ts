import type { Generated } from "kysely";

/** Models with their prices, and what of budgets is used. Migration 002. */
export interface BudgetsSchema {
  budget_use: BudgetUseTable;
  budget_holds: BudgetHoldTable;
  models: ModelTable;
}

/** What was used of one budget. */
interface BudgetUseTable {
  /** `run`, `binding` or `workspace`. */
  scope: string;
  scope_id: number;
  /** `2026-11` for a month; empty for a run. */
  period: string;
  tokens: Generated<number>;
  cost_micros: Generated<number>;
  /** Set aside for calls that are on their way. */
  held_tokens: Generated<number>;
  held_cost_micros: Generated<number>;
}

/** An amount set aside by one server process for the calls of one attempt. */
interface BudgetHoldTable {
  id: string;
  run_id: number;
  attempt: number;
  /** The process; new at every start. */
  holder: string;
  period: string;
  tokens: number;
  cost_micros: number;
  /** Then it counts as spent: its process is gone. */
  expires_at_ms: number;
}

/** What is known of a model of a connection; prices are micro-dollars for a million tokens, null when not known. */
interface ModelTable {
  connection_id: number;
  model: string;
  input_price: number | null;
  cached_input_price: number | null;
  output_price: number | null;
  context_window: number | null;
  /** 1 when it takes pictures. */
  images: number;
  updated_at_ms: number;
  updated_by: string;
}
