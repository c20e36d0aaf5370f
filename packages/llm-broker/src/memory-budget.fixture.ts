import type { CallCharge, CallEstimate, LlmBudget } from "./llm-budget.ts";

/** A budget in memory: what the database's does, without the database. */
export class MemoryBudget implements LlmBudget {
  held = 0;
  spent = 0;
  readonly estimates: CallEstimate[] = [];
  readonly charges: CallCharge[] = [];
  constructor(private readonly tokensMax = Number.POSITIVE_INFINITY) {}

  async reserve(_: unknown, estimate: CallEstimate) {
    const tokens = estimate.inputTokens + estimate.outputTokens;
    if (this.spent + this.held + tokens > this.tokensMax) {
      return { kind: "exhausted" as const, message: "The budget of this run is used up." };
    }
    this.held += tokens;
    this.estimates.push(estimate);
    return {
      kind: "granted" as const,
      settle: (charge: CallCharge) => {
        this.held -= tokens;
        this.spent += charge.usage.inputTokens + charge.usage.outputTokens;
        this.charges.push(charge);
      },
    };
  }
}
