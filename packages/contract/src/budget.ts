import { z } from "zod";

/** Money is counted in micro-dollars: 1,000,000 are one US dollar. */
export const COST_MICROS_PER_DOLLAR = 1_000_000;
/** Far over what a team spends in a month, to catch slips: ten million dollars and a trillion tokens. */
const CostMicros = z
  .int()
  .min(1)
  .max(10_000_000 * COST_MICROS_PER_DOLLAR);
const Tokens = z.int().min(1).max(1_000_000_000_000);

/** An upper bound on what models may cost; null for none. Input and output tokens count alike. */
export const Budget = z.object({
  tokens_max: Tokens.nullable().default(null),
  cost_micros_max: CostMicros.nullable().default(null),
});
export type Budget = z.infer<typeof Budget>;

/** Budgets of a binding: of each of its runs, and of all of them in one calendar month (UTC). */
export const BindingBudget = z.object({
  run: Budget.prefault({}),
  month: Budget.prefault({}),
});
export type BindingBudget = z.infer<typeof BindingBudget>;

/** What a person adds to the budget of a run that waits for it. At least one of the two. */
export const BudgetRaise = z
  .strictObject({ tokens: Tokens.optional(), cost_micros: CostMicros.optional() })
  .refine(
    (raise) => raise.tokens !== undefined || raise.cost_micros !== undefined,
    "name tokens or cost_micros",
  );
export type BudgetRaise = z.infer<typeof BudgetRaise>;
