import type { Attempt, RunId } from "@windshift/contract/ids.ts";
import type { CallEstimate, LlmBudget } from "@windshift/llm-broker/llm-budget.ts";
import type { LlmTarget } from "@windshift/llm-broker/llm-target.ts";
import type { TokenUsage } from "@windshift/llm-broker/token-usage.ts";
import type { Amount } from "../budgets/amount.ts";
import type { BudgetHolds } from "../budgets/budget-holds.ts";
import { describeShort } from "../budgets/budget-short.ts";
import { costOf, mostOf } from "../models/call-cost.ts";
import { describeUnpriced } from "../models/model.ts";

/** The budgets of one attempt, as the model broker asks for them. */
export function createLlmBudget(
  holds: BudgetHolds,
  attempt: { runId: RunId; attempt: Attempt; ended: AbortSignal },
): LlmBudget {
  return {
    reserve: async (target, estimate) => {
      const reply = await holds.reserve({
        ...attempt,
        need: mostAmount(target, estimate),
        priced: target.prices !== null,
      });
      switch (reply.kind) {
        case "granted":
          return { kind: "granted", settle: ({ usage }) => reply.settle(amountOf(target, usage)) };
        case "short":
          return { kind: "exhausted", message: describeShort(reply.short) };
        case "unpriced":
          return { kind: "exhausted", message: describeUnpriced(target.model) };
      }
    },
  };
}

/** What a call used, by the prices of its target; without them money is not counted. */
export function amountOf(target: LlmTarget, usage: TokenUsage): Amount {
  return {
    tokens: usage.inputTokens + usage.outputTokens,
    cost: target.prices === null ? 0 : costOf(usage, target.prices, target.provider),
  };
}

function mostAmount(target: LlmTarget, estimate: CallEstimate): Amount {
  return {
    tokens: estimate.inputTokens + estimate.outputTokens,
    cost: target.prices === null ? 0 : mostOf(estimate, target.prices, target.provider),
  };
}
