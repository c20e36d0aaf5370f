import { backoffMs } from "@windshift/base/backoff.ts";
import type { Clock } from "@windshift/base/clock.ts";
import { PARTITION_MS_MAX } from "@windshift/contract/limits.ts";
import type { Emit } from "../event-writer.ts";
import { ContentFlow } from "./content-flow.ts";
import { type CallResult, callModel } from "./model-call.ts";
import type { ModelFailure } from "./model-failure.ts";
import type { RequestSource } from "./request-source.ts";

/** First wait between tries, ms: after a fault, and when the server says that it has too much to do. */
const RETRY_MS_FIRST = 500;
const RETRY_BUSY_MS_FIRST = 2_000;
/** Longest wait of our own choice between tries, ms. */
const RETRY_MS_MAX = 30_000;
/** Longest such wait for a server that is away, ms: one that is started again is back within seconds, one that never answered is asked more often. */
const AWAY_RETRY_MS_MAX = 5_000;
const UNKNOWN_RETRY_MS_MAX = 2_000;
/** All waits for a server that has answered before and is away, ms: for as long as a runner lets its containers go on without it. */
const AWAY_MS_MAX = PARTITION_MS_MAX;
/** The same for one that never answered, ms: most likely its address is wrong, but a start of the server falls in between too. */
const UNKNOWN_MS_MAX = 5_000;

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
  /** Whether the address is right, as there was an answer from there. */
  private hasAnswered = false;
  constructor(private readonly options: ModelClientOptions) {
    this.url = `${options.baseUrl}/v1/chat/completions`;
  }

  /**
   * A server that is away is waited for, however many tries that takes: it is being started again, and the work is worth more than a pause.
   * @param emit for a question on the side, whose text is not shown
   * @returns the reply, or the failure of the last try; never rejects
   */
  async complete(source: RequestSource, emit: Emit = this.options.emit): Promise<CallResult> {
    const { clock, model, signal, stream, tries: triesMax } = this.options;
    const body = source.requestBody(model, stream);
    let failed = 0;
    let awayMs = 0;
    for (let tries = 1; ; tries++) {
      const flow = new ContentFlow(emit);
      const result = await this.call(body, flow);
      if (result.kind === "reply") {
        this.hasAnswered = true;
        this.account(source, result);
      }
      if (result.kind !== "failure") return result;
      const { failure } = result;
      if (failure.kind === "refused") this.hasAnswered = true;
      this.learn(source, undefined, failure.contextWindow);
      const away = failure.away === true && triesMax > 1;
      const patience = away ? this.patience() : { allMs: Number.POSITIVE_INFINITY, eachMs: RETRY_MS_MAX };
      if (!failure.retry || awayMs >= patience.allMs || (!away && ++failed >= triesMax)) return result;
      const waitMs = waitOf(failure, tries, patience.eachMs);
      if (away) awayMs += waitMs;
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

  /** With a server that is away: all waits for it, and each at most, ms. */
  private patience(): { allMs: number; eachMs: number } {
    return this.hasAnswered
      ? { allMs: AWAY_MS_MAX, eachMs: AWAY_RETRY_MS_MAX }
      : { allMs: UNKNOWN_MS_MAX, eachMs: UNKNOWN_RETRY_MS_MAX };
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

function waitOf(failure: ModelFailure, tries: number, msMax: number): number {
  const firstMs = failure.busy ? RETRY_BUSY_MS_FIRST : RETRY_MS_FIRST;
  return Math.max(failure.retryAfterMs, backoffMs(tries, firstMs, msMax));
}

function whyOf(failure: ModelFailure, flow: ContentFlow): string {
  return flow.shown === 0
    ? failure.message
    : `${failure.message}; what the model said in this try does not count`;
}
