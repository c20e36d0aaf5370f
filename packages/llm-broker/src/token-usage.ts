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

export const NO_USAGE: TokenUsage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
};

/** What is known so far; `final` when it is the count of the whole reply. */
export interface UsageSoFar {
  usage: TokenUsage;
  final: boolean;
}

/** Tokens of one count; far over any window, and three of them still fit where they are stored. */
const Count = z.int().min(0).max(500_000_000);

const ChatUsage = z.object({
  usage: z.object({
    prompt_tokens: Count,
    completion_tokens: Count,
    prompt_tokens_details: z.object({ cached_tokens: Count.nullish() }).nullish(),
  }),
});

/** The counts in a chat completion or in one chunk of a streamed one; undefined when it has none. */
export function usageOfChat(json: unknown): UsageSoFar | undefined {
  const parsed = ChatUsage.safeParse(json);
  if (!parsed.success) return undefined;
  const { prompt_tokens, completion_tokens, prompt_tokens_details } = parsed.data.usage;
  const usage = {
    inputTokens: prompt_tokens,
    cachedInputTokens: Math.min(prompt_tokens, prompt_tokens_details?.cached_tokens ?? 0),
    cacheWriteTokens: 0,
    outputTokens: completion_tokens,
  };
  return { usage, final: true };
}

const MessageCounts = z.object({
  input_tokens: Count.nullish(),
  cache_read_input_tokens: Count.nullish(),
  cache_creation_input_tokens: Count.nullish(),
  output_tokens: Count.nullish(),
});
const MessageReply = z.union([
  z.object({ type: z.literal("message_start"), message: z.object({ usage: MessageCounts }) }),
  z.object({ type: z.literal("message_delta"), usage: MessageCounts }),
  z.object({ type: z.literal("message"), usage: MessageCounts }),
]);

/**
 * The counts in a message of the Messages API or in one event of a streamed one. The first event counts the input and the
 * last one the output; a count that it repeats replaces the earlier one.
 */
export function usageOfMessage(json: unknown, before: UsageSoFar | undefined): UsageSoFar | undefined {
  const parsed = MessageReply.safeParse(json);
  if (!parsed.success) return undefined;
  const reply = parsed.data;
  const counts = reply.type === "message_start" ? reply.message.usage : reply.usage;
  const known = before?.usage ?? NO_USAGE;
  const read = counts.cache_read_input_tokens ?? known.cachedInputTokens;
  const written = counts.cache_creation_input_tokens ?? known.cacheWriteTokens;
  const fresh = counts.input_tokens ?? known.inputTokens - known.cachedInputTokens - known.cacheWriteTokens;
  const usage = {
    inputTokens: fresh + read + written,
    cachedInputTokens: read,
    cacheWriteTokens: written,
    outputTokens: counts.output_tokens ?? known.outputTokens,
  };
  return { usage, final: reply.type !== "message_start" && counts.output_tokens != null };
}
