import type { LlmTarget } from "./llm-target.ts";
import type { TokenUsage } from "./token-usage.ts";

/** The most that a call can use: the input from the bytes of its body, the output as it is capped at the provider. */
export interface CallEstimate {
  inputTokens: number;
  outputTokens: number;
}

/** What a call used in the end. All zero when the provider refused it or was never reached. */
export interface CallCharge {
  usage: TokenUsage;
  /** True when the provider did not say and the broker had to estimate; then it is rather too high than too low. */
  estimated: boolean;
}

/** An amount set aside, or the sentence for the agent that says which budget is used up and who can raise it. */
export type Reservation =
  | {
      kind: "granted";
      /**
       * Called exactly once, however the call ended (a crash of the process apart). May be more than was reserved only
       * when the provider went over the cap that it was sent.
       */
      settle(charge: CallCharge): void | Promise<void>;
    }
  | { kind: "exhausted"; message: string };

/**
 * The budgets that hold for one run. The broker reserves before each call leaves for a target, a fallback included, so
 * settled spend never passes a budget.
 */
export interface LlmBudget {
  /** Sets the estimate aside in all budgets of the run at once, or in none. Durable before it resolves. */
  reserve(target: LlmTarget, estimate: CallEstimate): Promise<Reservation>;
}
