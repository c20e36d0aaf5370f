import type { Clock } from "@windshift/base/clock.ts";
import type { Emit } from "../event-writer.ts";
import { CallPatience } from "./call-patience.ts";
import { ContentFlow } from "./content-flow.ts";
import { type CallResult, callModel } from "./model-call.ts";
import type { ModelFailure } from "./model-failure.ts";
import type { RequestSource } from "./request-source.ts";

export interface ModelClientOptions {
  baseUrl: string;
  model: string;
  apiKey: string | undefined;
  stream: boolean;
  /** Tries of one call before it is given up, those left out for which the server was away; 1 tries nothing again. */
  tries: number;
  emit: Emit;
  clock: Clock;
  signal: AbortSignal;
}

/**
 * Asks the model for the next message; tells of text, retries and usage as events. Text is told as it comes, so a try that breaks
 * off has told some already: the `retry` event that follows takes it back, and says so when there was any. It never reaches the
 * conversation.
 */
export class ModelClient {
  private readonly url: string;
  /** Whether the address is right: somebody was there, even one that hung up in the middle of the first reply. */
  private isReached = false;
  constructor(private readonly options: ModelClientOptions) {
    this.url = `${options.baseUrl}/v1/chat/completions`;
  }

  /**
   * @param emit for a question on the side, whose text is not shown
   * @returns the reply, or the failure of the last try; never rejects
   */
  async complete(source: RequestSource, emit: Emit = this.options.emit): Promise<CallResult> {
    const { clock, model, signal, stream, tries: triesMax } = this.options;
    const body = source.requestBody(model, stream);
    const patience = new CallPatience(triesMax);
    for (let tries = 1; ; tries++) {
      const flow = new ContentFlow(emit);
      const startedMs = performance.now();
      const result = await this.call(body, flow);
      const tookMs = performance.now() - startedMs;
      this.isReached ||= !(result.kind === "failure" && result.failure.kind === "unreachable");
      if (result.kind === "reply") this.account(source, result);
      if (result.kind !== "failure") return result;
      const { failure } = result;
      this.learn(source, undefined, failure.contextWindow);
      const waitMs = patience.waitAfter(failure, this.isReached, tookMs);
      if (waitMs === undefined) return result;
      emit({ type: "retry", attempt: tries, wait_ms: waitMs, why: whyOf(failure, flow) });
      await clock.sleep(waitMs, signal);
      if (signal.aborted) return { kind: "aborted" };
    }
  }

  private async call(body: Uint8Array<ArrayBuffer>, flow: ContentFlow): Promise<CallResult> {
    const request = { url: this.url, apiKey: this.options.apiKey, body };
    const result = await callModel(request, flow.push, this.options.signal);
    flow.end();
    return result;
  }

  private learn(source: RequestSource, inputTokens: number | undefined, window: number | undefined): void {
    const said = source.learn(inputTokens, window);
    if (said !== undefined) this.options.emit({ type: "message", role: "agent", text: said });
  }

  private account(conversation: RequestSource, result: Extract<CallResult, { kind: "reply" }>): void {
    const { emit } = this.options;
    const { callsDropped, text, toolCalls, usage } = result.reply;
    this.learn(conversation, usage?.inputTokens, result.contextWindow);
    emit({
      type: "usage",
      input_tokens: usage?.inputTokens ?? conversation.tokens(),
      output_tokens: usage?.outputTokens ?? conversation.tokensOf(text),
      context_used: (usage?.inputTokens ?? conversation.tokens()) + (usage?.outputTokens ?? 0),
    });
    if (callsDropped === undefined) return;
    const said = `The reply held ${callsDropped} calls more than the ${toolCalls.length} taken of one; they were dropped.`;
    emit({ type: "message", role: "agent", text: said });
  }
}

function whyOf(failure: ModelFailure, flow: ContentFlow): string {
  return flow.shown === 0
    ? failure.message
    : `${failure.message}; what the model said in this try does not count`;
}
