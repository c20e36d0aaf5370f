import { z } from "zod";
import { Budget } from "../budget.ts";

/** Sums over calls to models. */
export const UsageSum = z.object({
  calls: z.int(),
  /** Tokens of the calls whose usage is known or estimated; `unknown_calls` counts the others. */
  input_tokens: z.int(),
  /** Of these, read from the provider's cache. */
  cached_input_tokens: z.int(),
  output_tokens: z.int(),
  unknown_calls: z.int(),
  /** Calls whose tokens were estimated, rather too high, because the provider did not say or the server ended midway. */
  estimated_calls: z.int(),
  /** Micro-dollars; null when a model had no price. */
  cost_micros: z.int().nullable(),
});
export type UsageSum = z.infer<typeof UsageSum>;

const BudgetScope = z.enum(["run", "binding", "workspace"]);

/** A budget and what is used of it, calls on their way included. */
export const BudgetView = z.object({
  scope: BudgetScope,
  /** `2026-11`; null for the budget of a run. */
  month: z.string().nullable(),
  tokens_used: z.int(),
  tokens_max: z.int().nullable(),
  cost_micros_used: z.int(),
  cost_micros_max: z.int().nullable(),
});
export type BudgetView = z.infer<typeof BudgetView>;

/** What the call that was refused needed of which budget; either tokens or money. */
export const BudgetNeed = z.object({
  scope: BudgetScope,
  month: z.string().nullable(),
  tokens: z.int().nullable(),
  cost_micros: z.int().nullable(),
});
export type BudgetNeed = z.infer<typeof BudgetNeed>;

/** Sums of one day (UTC). Days without a call are left out. */
export const DayUsage = UsageSum.extend({ day: z.iso.date() });
export type DayUsage = z.infer<typeof DayUsage>;
/** Sums of one model, by the name that was asked for. */
export const ModelUsage = UsageSum.extend({ model: z.string() });
export type ModelUsage = z.infer<typeof ModelUsage>;

/** Use of the whole installation in one calendar month (UTC), for its administrators. */
export const AdminUsage = UsageSum.extend({
  month: z.string(),
  /** Those with a call in the month, by key. */
  workspaces: z.array(UsageSum.extend({ key: z.string(), name: z.string(), budget: BudgetView })),
  /** The dearest 100, most tokens first. */
  models: z.array(ModelUsage),
  /** By day. */
  days: z.array(DayUsage),
  /** This month and the eleven before it, oldest first; months without a call are zero. */
  months: z.array(UsageSum.extend({ month: z.string() })),
});
export type AdminUsage = z.infer<typeof AdminUsage>;

/** Use of one calendar month (UTC). */
export const WorkspaceUsage = UsageSum.extend({
  month: z.string(),
  budget: BudgetView,
  models: z.array(ModelUsage),
  days: z.array(DayUsage),
  bindings: z.array(
    UsageSum.extend({
      /** Null for runs whose binding was deleted. */
      binding_id: z.int().nullable(),
      agent: z.object({ user_id: z.string(), name: z.string() }).nullable(),
      budget: BudgetView.nullable(),
    }),
  ),
});
export type WorkspaceUsage = z.infer<typeof WorkspaceUsage>;

/** The workspace's budget of a calendar month (UTC). */
export const WorkspaceBudget = z.strictObject(Budget.shape);
export type WorkspaceBudget = z.infer<typeof WorkspaceBudget>;
