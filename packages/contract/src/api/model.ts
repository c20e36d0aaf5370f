import { z } from "zod";
import { LLM_CONTEXT_TOKENS_MAX, LLM_CONTEXT_TOKENS_MIN } from "../limits.ts";

/** Micro-dollars for a million tokens, to catch slips: the dearest models ask for some hundred dollars. */
const PRICE_MAX = 100_000_000_000;
const Price = z.int().min(0).max(PRICE_MAX).nullable();

/** What an admin says of a model of a connection. Prices are micro-dollars for a million tokens: $2.50 is 2500000. */
export const ModelFacts = z.strictObject({
  input_price: Price.default(null),
  /** Null: as much as other input. */
  cached_input_price: Price.default(null),
  output_price: Price.default(null),
  /** Tokens; null: that of the connection. */
  context_window: z.int().min(LLM_CONTEXT_TOKENS_MIN).max(LLM_CONTEXT_TOKENS_MAX).nullable().default(null),
  /** Whether it takes pictures. */
  images: z.boolean().default(false),
});
export type ModelFacts = z.infer<typeof ModelFacts>;

export const Model = z.object({
  ...ModelFacts.shape,
  connection_id: z.int(),
  model: z.string(),
  updated_at: z.iso.datetime(),
});
export type Model = z.infer<typeof Model>;
