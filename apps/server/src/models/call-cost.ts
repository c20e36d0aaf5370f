import type { CallEstimate } from "@windshift/llm-broker/llm-budget.ts";
import type { LlmProvider, ModelPrices } from "@windshift/llm-broker/llm-target.ts";
import type { TokenUsage } from "@windshift/llm-broker/token-usage.ts";

/**
 * What a provider asks for tokens that it writes into its cache, percent of the input price. Anthropic asks for 125 or 200,
 * as the request chose; its counts do not always say which, and a budget is held to the dearer one.
 */
const CACHE_WRITE_PERCENT: Record<LlmProvider, number> = { openai_compatible: 100, anthropic: 200 };
const TOKENS_PER_PRICE = 1_000_000n;

/** Micro-dollars of a call, rounded up: a budget is never passed by what was rounded away. */
export function costOf(usage: TokenUsage, prices: ModelPrices, provider: LlmProvider): number {
  const { inputTokens, cachedInputTokens: cached, cacheWriteTokens: written, outputTokens } = usage;
  const plain = Math.max(0, inputTokens - cached - written);
  return micros([
    [plain, prices.input, 100],
    [cached, prices.cachedInput, 100],
    [written, prices.input, CACHE_WRITE_PERCENT[provider]],
    [outputTokens, prices.output, 100],
  ]);
}

/** The most that a call can cost: every input token at the dearest of the input's prices. */
export function mostOf(estimate: CallEstimate, prices: ModelPrices, provider: LlmProvider): number {
  const percent = CACHE_WRITE_PERCENT[provider];
  const dearest = Math.max(prices.cachedInput, Math.ceil((prices.input * percent) / 100));
  return micros([
    [estimate.inputTokens, dearest, 100],
    [estimate.outputTokens, prices.output, 100],
  ]);
}

/** Exact: a billion tokens at the highest price are more than a double holds. */
function micros(parts: [tokens: number, price: number, percent: number][]): number {
  const sum = parts.reduce(
    (total, [tokens, price, percent]) => total + BigInt(tokens) * BigInt(price) * BigInt(percent),
    0n,
  );
  const unit = TOKENS_PER_PRICE * 100n;
  return Number((sum + unit - 1n) / unit);
}
