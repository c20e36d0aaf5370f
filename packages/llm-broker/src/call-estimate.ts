import type { CallCharge, CallEstimate } from "./llm-budget.ts";
import {
  BYTES_PER_TOKEN_MIN,
  CALL_OVERHEAD_TOKENS,
  OUTPUT_TOKENS_MAX,
  PICTURE_TOKENS_MAX,
} from "./llm-limits.ts";
import type { AuthorizedCall } from "./request-body.ts";
import { NO_USAGE, type UsageSoFar } from "./token-usage.ts";

/** The most that a call can use; the provider's own tokenizer is not asked. */
export function estimateCall(
  call: AuthorizedCall,
  body: string,
  outputTokensMax: number | undefined,
): CallEstimate {
  const textBytes = Math.max(0, Buffer.byteLength(body) - call.pictureBytes);
  return {
    inputTokens:
      Math.ceil(textBytes / BYTES_PER_TOKEN_MIN) + call.pictures * PICTURE_TOKENS_MAX + CALL_OVERHEAD_TOKENS,
    outputTokens: call.outputTokensMax ?? outputTokensMax ?? OUTPUT_TOKENS_MAX,
  };
}

export const NO_CHARGE: CallCharge = { usage: NO_USAGE, estimated: false };

/**
 * What is charged for a call: the provider's counts where it gave them, else an estimate.
 * @param outputTokens the estimate of what was made, for a reply without a count
 */
export function chargeOf(
  known: UsageSoFar | undefined,
  estimate: CallEstimate,
  outputTokens: number,
): CallCharge {
  if (known?.final) return { usage: known.usage, estimated: false };
  const usage = known?.usage ?? { ...NO_USAGE, inputTokens: estimate.inputTokens };
  const made = Math.min(estimate.outputTokens, Math.max(outputTokens, usage.outputTokens));
  return { usage: { ...usage, outputTokens: made }, estimated: true };
}

/** Tokens that a model may make unseen before its first event, a second: the fastest that are sold. */
const HIDDEN_TOKENS_PER_S = 500;

/** What a model may have thought, unseen, in a time in which nothing came of it. */
export function hiddenTokens(ms: number): number {
  return Math.ceil((Math.max(0, ms) / 1_000) * HIDDEN_TOKENS_PER_S);
}

const LF = 10;
/** A line with data of a model's reply is longer than this, bytes; a sign of life is shorter. */
const EVENT_BYTES_MIN = 60;

/**
 * Counts a stream's output without reading it: an event is at least one token, and what it is longer than the shortest
 * one is text of the model, of which `BYTES_PER_TOKEN_MIN` bytes are one token at most.
 */
export class StreamEstimate {
  private events = 0;
  private bytes = 0;
  private shortest = Number.POSITIVE_INFINITY;
  /** Of this process's clock; undefined while nothing of a reply came. */
  firstEventMs: number | undefined;

  /** @param piece whole lines */
  add(piece: Uint8Array): void {
    for (let from = 0; from < piece.length; ) {
      const at = piece.indexOf(LF, from);
      const next = at === -1 ? piece.length : at + 1;
      const bytes = next - from;
      if (bytes >= EVENT_BYTES_MIN) {
        this.events++;
        this.firstEventMs ??= performance.now();
        this.bytes += bytes;
        if (bytes < this.shortest) this.shortest = bytes;
      }
      from = next;
    }
  }

  get outputTokens(): number {
    if (this.events === 0) return 0;
    // One long event alone is text, too: no frame is longer than this.
    const frame = Math.min(this.shortest, 4 * EVENT_BYTES_MIN);
    return this.events + Math.ceil((this.bytes - this.events * frame) / BYTES_PER_TOKEN_MIN);
  }
}
