import { COST_MICROS_PER_DOLLAR } from "@windshift/contract/budget.ts";
import { z } from "zod";
import { monthName } from "./budget-month.ts";

/** The budget that refused a call, as it stood then; kept on the run. */
export const BudgetShort = z.object({
  scope: z.enum(["run", "binding", "workspace"]),
  scope_id: z.int(),
  /** `2026-11`; empty for a run. */
  period: z.string(),
  measure: z.enum(["tokens", "cost"]),
  /** Spent, and set aside for calls that are on their way. */
  used: z.int(),
  limit: z.int(),
  /** The most that the refused call could have used. */
  needed: z.int(),
  attempt: z.int(),
});
export type BudgetShort = z.infer<typeof BudgetShort>;

/** What is used up, of how much, and who can raise it: for the agent, the run and the item alike. */
export function describeShort(short: BudgetShort): string {
  const { used, limit, needed, measure } = short;
  const amounts = `${show(used, measure)} of ${show(limit, measure)} are used, and the next call may need ${show(needed, measure)}`;
  return `${whose(short)} is used up: ${amounts}. ${whoRaises(short)}`;
}

function whose({ scope, period }: BudgetShort): string {
  switch (scope) {
    case "run":
      return "The budget of this run";
    case "binding":
      return `The budget of the agent's binding for ${monthName(period)}`;
    case "workspace":
      return `The budget of the workspace for ${monthName(period)}`;
  }
}

function whoRaises({ scope, scope_id }: BudgetShort): string {
  switch (scope) {
    case "run":
      return "An admin of the workspace can add to it on the run, which then goes on.";
    case "binding":
      return `An admin of the workspace can raise the month's budget of binding ${scope_id}; the run then goes on.`;
    case "workspace":
      return "An admin of the workspace can raise its budget of the month; the run then goes on.";
  }
}

/** `12,000 tokens` or `$0.012`; exact to the micro-dollar. */
export function show(amount: number, measure: BudgetShort["measure"]): string {
  if (measure === "tokens") return `${amount.toLocaleString("en-US")} tokens`;
  const dollars = Math.floor(amount / COST_MICROS_PER_DOLLAR).toLocaleString("en-US");
  const micros = String(amount % COST_MICROS_PER_DOLLAR).padStart(6, "0");
  return `$${dollars}.${micros.replace(/0{1,4}$/, "")}`;
}

/** @param json as stored on the run */
export function parseShort(json: string | null): BudgetShort | null {
  return json === null ? null : BudgetShort.parse(JSON.parse(json));
}
