import { backoffMs } from "@windshift/base/backoff.ts";
import type { Clock } from "@windshift/base/clock.ts";
import type { Conversation } from "./conversation.ts";
import type { Emit } from "./event-writer.ts";
import { type CallResult, callModel } from "./model-call.ts";

/** Calls made for one turn before it is given up. Source: issue of the agent, "3 tries by default". */
const TRIES_MAX = 3;
/** First and longest wait between tries, ms. */
const RETRY_MS_FIRST = 500;
const RETRY_MS_MAX = 30_000;

export interface ModelClientOptions {
  baseUrl: string;
  model: string;
  apiKey: string | undefined;
  stream: boolean;
  emit: Emit;
  clock: Clock;
  signal: AbortSignal;
}

/** Asks the model for the next message; tells of text, retries and usage as events. */
export class ModelClient {
  private readonly url: string;
  constructor(private readonly options: ModelClientOptions) {
    this.url = `${options.baseUrl}/v1/chat/completions`;
  }

  /** @returns the reply, or the failure of the last try; never rejects */
  async complete(conversation: Conversation): Promise<CallResult> {
    const { apiKey, clock, emit, signal, model, stream } = this.options;
    const request = { url: this.url, apiKey, body: conversation.requestBody(model, stream) };
    for (let tries = 1; ; tries++) {
      const result = await callModel(request, (text) => emit({ type: "content", text }), signal);
      if (result.kind === "reply") this.account(conversation, result);
      if (result.kind !== "failure") return result;
      const { failure } = result;
      if (!failure.retry || tries >= TRIES_MAX) return result;
      const waitMs = Math.max(failure.retryAfterMs, backoffMs(tries, RETRY_MS_FIRST, RETRY_MS_MAX));
      emit({ type: "retry", attempt: tries, wait_ms: waitMs, why: failure.message });
      await clock.sleep(waitMs, signal);
      if (signal.aborted) return { kind: "aborted" };
    }
  }

  private account(conversation: Conversation, result: Extract<CallResult, { kind: "reply" }>): void {
    const { usage } = result.reply;
    conversation.learn(usage?.inputTokens, result.contextWindow);
    this.options.emit({
      type: "usage",
      input_tokens: usage?.inputTokens ?? conversation.tokens(),
      output_tokens: usage?.outputTokens ?? conversation.tokensOf(result.reply.text),
      context_used: (usage?.inputTokens ?? conversation.tokens()) + (usage?.outputTokens ?? 0),
    });
  }
}
