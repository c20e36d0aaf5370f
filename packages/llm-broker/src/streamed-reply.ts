import { type AppError, errorBody } from "@windshift/contract/app-error.ts";
import { contains, textOf } from "./byte-search.ts";
import type { CallEnd } from "./call-end.ts";
import { StreamEstimate } from "./call-estimate.ts";
import type { LlmLimits } from "./llm-limits.ts";
import type { StreamFormat } from "./llm-wire.ts";
import { StreamLines } from "./stream-lines.ts";
import type { UsageSoFar } from "./token-usage.ts";

export interface StreamedReply {
  upstream: ReadableStream<Uint8Array>;
  format: StreamFormat;
  apiKey: string | null;
  end: CallEnd;
  limits: LlmLimits;
  /** Called once, before the last byte is given out. */
  onEnd(result: StreamEnd): Promise<void>;
}

/** How a stream ended and what it used. */
export interface StreamEnd {
  usage: UsageSoFar | undefined;
  /** By the events that were read, for a stream that did not say. */
  outputTokens: number;
  /** When the first of it came, as performance.now() tells time; undefined when nothing did. */
  firstEventMs: number | undefined;
  failure: AppError | undefined;
}

/**
 * Passes a provider's event stream on, whole events at a time and as fast as the caller reads: a caller that stops reading
 * stops the provider. A stream that ends without its end mark, falls silent or is cut ends in an error event (LB-11).
 */
export function relayStream(reply: StreamedReply): ReadableStream<Uint8Array> {
  const relay = new Relay(reply);
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => relay.start(controller),
      pull: () => relay.pull(),
      cancel: () => relay.reply.end.end({ kind: "client_left" }),
    },
    { highWaterMark: 0 },
  );
}

/** What is kept of a stream to see whether it was finished when its caller left, bytes. */
const TAIL_BYTES = 4_096;

class Relay {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private readonly lines: StreamLines;
  private readonly key: Buffer | undefined;
  private readonly estimate = new StreamEstimate();
  private controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  private usage: UsageSoFar | undefined;
  /** The last events that were passed on. */
  private last: Uint8Array = new Uint8Array(0);
  private done = false;
  private finishing = false;
  private timer: Timer | undefined;
  /** When the read that is under way began, ms; undefined while the caller does not ask for more. */
  private readingSinceMs: number | undefined;
  /** When the caller was last given something, ms. */
  private givenMs = performance.now();
  private stalled = false;

  constructor(readonly reply: StreamedReply) {
    this.reader = reply.upstream.getReader();
    this.lines = new StreamLines(reply.format.separators, reply.limits.lineBytesMax);
    this.key = secretOf(reply.apiKey);
  }

  /** An end from this side takes effect at once, also for a caller that has stopped reading. */
  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.controller = controller;
    const { end } = this.reply;
    end.listener = {
      ended: () => void this.finish(),
      isDrained: () =>
        this.usage?.final !== true && this.reply.format.isFinished(textOf(this.last.subarray(-TAIL_BYTES))),
    };
    this.watch(this.reply.limits.idleMsMax);
    if (end.cause !== undefined) void this.finish();
  }

  /** Gives out at least one event, or ends the stream. */
  async pull(): Promise<void> {
    for (;;) {
      const piece = await this.read();
      if (this.finishing) return;
      if (piece === undefined) return this.finish();
      if (piece.length === 0) continue;
      this.controller?.enqueue(piece);
      return;
    }
  }

  /** Whole events, which may be none; undefined at the end of the stream, however it came. */
  private async read(): Promise<Uint8Array | undefined> {
    let chunk: Uint8Array | undefined;
    this.readingSinceMs = performance.now();
    try {
      chunk = (await this.reader.read()).value;
    } catch {
      this.reply.end.end({ kind: "cut" });
    } finally {
      this.readingSinceMs = undefined;
      this.givenMs = performance.now();
    }
    if (chunk === undefined) return undefined;
    const piece = this.lines.push(chunk);
    if (piece === undefined) this.reply.end.end({ kind: "cut" });
    else if (piece.length > 0) return this.inspect(piece);
    return piece;
  }

  /**
   * One timer a stream and not one a read: it looks whether a read has taken too long, and sleeps on. A caller that asks for
   * nothing more has as long: else it would keep its turn at the connection, which others wait for.
   */
  private watch(ms: number): void {
    this.timer = setTimeout(() => {
      const { idleMsMax, drainMsMax } = this.reply.limits;
      const isReading = this.readingSinceMs !== undefined;
      const limitMs = this.done && isReading ? drainMsMax : idleMsMax;
      const waitedMs = performance.now() - (this.readingSinceMs ?? this.givenMs);
      if (waitedMs < limitMs) return this.watch(limitMs - waitedMs);
      this.stalled = !isReading;
      this.reply.end.end(isReading ? { kind: "idle_timeout", ms: limitMs } : { kind: "client_left" });
    }, ms);
  }

  /** Reads what concerns the broker, and takes the provider's key out should it be in there. */
  private inspect(piece: Uint8Array): Uint8Array {
    const { usageMark, endMark } = this.reply.format;
    this.estimate.add(piece);
    this.last = piece;
    if (contains(piece, usageMark) || contains(piece, endMark)) this.inspectLines(textOf(piece));
    if (this.key === undefined || !contains(piece, this.key)) return piece;
    return Buffer.from(textOf(piece).replaceAll(this.key.toString("utf8"), "[redacted]"));
  }

  private inspectLines(text: string): void {
    const { format, limits } = this.reply;
    const marks = [format.usageMark, format.endMark].map((mark) => mark.toString("utf8"));
    for (const line of text.split("\n")) {
      if (!line.startsWith("data:") || !marks.some((mark) => line.includes(mark))) continue;
      if (format.isEnd(line) && !this.done) {
        this.done = true;
        clearTimeout(this.timer); // what is left is the end of the connection
        this.watch(limits.drainMsMax);
      } else this.usage = format.usageOf(jsonOf(line), this.usage) ?? this.usage;
    }
  }

  /** Once: closes the provider's side, says how it ended, and ends the caller's stream. */
  private async finish(): Promise<void> {
    if (this.finishing) return;
    this.finishing = true;
    const { end, format, onEnd } = this.reply;
    if (end.cause?.kind === "client_left" && !end.signal.aborted) await this.drain();
    clearTimeout(this.timer);
    const failure = this.done ? undefined : end.error();
    const left = end.cause?.kind === "client_left";
    this.reader.cancel().catch(() => {}); // it may have failed already
    const { outputTokens, firstEventMs } = this.estimate;
    await onEnd({ usage: this.usage, outputTokens, firstEventMs, failure });
    // Nobody is there to read the rest; of one that only stopped reading the connection is broken.
    if (left) return this.stalled ? this.controller?.error(end.error()) : undefined;
    if (failure !== undefined) {
      this.controller?.enqueue(Buffer.from(format.errorEvent(failure.status, errorBody(failure))));
    }
    this.controller?.close();
  }

  /** Reads on for the counts of a reply whose caller left when it was complete; `end` bounds the time. */
  private async drain(): Promise<void> {
    while (this.usage?.final !== true && (await this.read()) !== undefined);
  }
}

/** Keys under 8 characters are placeholders such as "none"; hiding them would mangle ordinary text. */
export function secretOf(apiKey: string | null): Buffer | undefined {
  return apiKey === null || apiKey.length < 8 ? undefined : Buffer.from(apiKey);
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line.slice("data:".length));
  } catch {
    return undefined; // not for us to judge; the caller reads the line itself
  }
}
