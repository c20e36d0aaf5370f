import { z } from "zod";

/** Tokens of one call, as a provider counts them or as the broker estimates them. */
export interface TokenUsage {
  /** All input tokens; those of the next two fields are among them. */
  inputTokens: number;
  /** Read from the provider's cache, at a lower price. */
  cachedInputTokens: number;
  /** Written to the provider's cache, at a higher price where the provider bills that. */
  cacheWriteTokens: number;
  /** Thoughts included. */
  outputTokens: number;
}

const Count = z.int().min(0).max(1_000_000_000);
const Reply = z.object({ usage: z.object({ prompt_tokens: Count, completion_tokens: Count }) });

/** Finds the counts in a reply or in one chunk of a streamed one; undefined when it has none. */
export function findTokenUsage(json: unknown): TokenUsage | undefined {
  const parsed = Reply.safeParse(json);
  if (!parsed.success) return undefined;
  const { prompt_tokens, completion_tokens } = parsed.data.usage;
  return {
    inputTokens: prompt_tokens,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: completion_tokens,
  };
}
