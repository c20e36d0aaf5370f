import { z } from "zod";

const Count = z.int().min(0).max(1_000_000_000);
const Reply = z.object({ usage: z.object({ prompt_tokens: Count, completion_tokens: Count }) });

/** Tokens of one call as the provider counted them. */
export interface TokenUsage {
  inputTokens: number;
  outputTokens: number;
}

/** Finds the counts in a reply or in one chunk of a streamed one; undefined when it has none. */
export function findTokenUsage(json: unknown): TokenUsage | undefined {
  const parsed = Reply.safeParse(json);
  if (!parsed.success) return undefined;
  const { prompt_tokens, completion_tokens } = parsed.data.usage;
  return { inputTokens: prompt_tokens, outputTokens: completion_tokens };
}
