import { type AppError, errorBody } from "@windshift/contract/app-error.ts";
import type { CallEnd } from "./call-end.ts";
import type { LlmLimits } from "./llm-limits.ts";
import { StreamLines } from "./stream-lines.ts";
import { findTokenUsage, type TokenUsage } from "./token-usage.ts";

export interface StreamedReply {
  upstream: ReadableStream<Uint8Array>;
  apiKey: string | null;
  end: CallEnd;
  limits: LlmLimits;
  /** Called once, before the last byte is given out: how it ended and what it cost. */
  onEnd(usage: TokenUsage | undefined, failure: AppError | undefined): Promise<void>;
}

/**
 * Passes a provider's event stream on, line by line, as fast as the caller reads: a caller that stops reading stops
 * the provider. A stream that ends without `[DONE]`, falls silent or is cut ends in an error event (LB-11).
 */
export function relayStream(reply: StreamedReply): ReadableStream<Uint8Array> {
  const relay = new Relay(reply);
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => relay.start(controller),
      pull: (controller) => relay.pull(controller),
      cancel: () => relay.cancel(),
    },
    { highWaterMark: 0 },
  );
}

const DONE = /^data:\s*\[DONE\]\s*$/;

type Controller = ReadableStreamDefaultController<Uint8Array>;

class Relay {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private readonly lines: StreamLines;
  private readonly key: Buffer | undefined;
  private usage: TokenUsage | undefined;
  private done = false;
  private settled = false;
  private gone = false;

  constructor(private readonly reply: StreamedReply) {
    this.reader = reply.upstream.getReader();
    this.lines = new StreamLines(reply.limits.lineBytesMax);
    this.key = secretOf(reply.apiKey);
  }

  /** An end from this side takes effect at once, also for a caller that has stopped reading. */
  start(controller: Controller): void {
    const { signal } = this.reply.end;
    signal.addEventListener("abort", () => void this.finish(controller), { once: true });
  }

  /** Gives out at least one line, or ends the stream. */
  async pull(controller: Controller): Promise<void> {
    for (;;) {
      const chunk = await this.read();
      if (chunk === undefined) return this.finish(controller);
      const lines = this.lines.push(chunk);
      if (lines === undefined) {
        this.reply.end.end({ kind: "cut" });
        return this.finish(controller);
      }
      for (const line of lines) controller.enqueue(this.pass(line));
      if (lines.length > 0) return;
    }
  }

  async cancel(): Promise<void> {
    this.gone = true;
    this.reply.end.end({ kind: "client_left" });
    await this.settle();
  }

  /** The next chunk; undefined at the end of the stream, however it came. */
  private async read(): Promise<Uint8Array | undefined> {
    const { end, limits } = this.reply;
    if (end.cause !== undefined) return undefined;
    const timer = setTimeout(() => end.end({ kind: "idle_timeout", ms: limits.idleMsMax }), limits.idleMsMax);
    try {
      const { value } = await this.reader.read();
      return end.cause === undefined ? value : undefined;
    } catch {
      end.end({ kind: "cut" });
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  private pass(line: Uint8Array): Uint8Array {
    const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
    if (bytes.length < 64 && DONE.test(bytes.toString("utf8"))) this.done = true;
    else if (bytes.includes('"usage"')) this.usage = usageOfLine(bytes.toString("utf8")) ?? this.usage;
    if (this.key === undefined || !bytes.includes(this.key)) return line;
    return Buffer.from(bytes.toString("utf8").replaceAll(this.key.toString("utf8"), "[redacted]"));
  }

  private async finish(controller: Controller): Promise<void> {
    if (this.settled) return;
    const failure = await this.settle();
    if (this.gone) return; // nobody is there to read the rest
    if (failure !== undefined) {
      controller.enqueue(Buffer.from(`\n\ndata: ${JSON.stringify(errorBody(failure))}\n\n`));
    }
    controller.close();
  }

  /** Closes the provider's side and says, once, how it ended. */
  private async settle(): Promise<AppError | undefined> {
    if (this.settled) return undefined;
    this.settled = true;
    const failure = this.done ? undefined : this.reply.end.error();
    this.reader.cancel().catch(() => {}); // it may have failed already
    await this.reply.onEnd(this.usage, failure);
    return failure;
  }
}

/** Keys under 8 characters are placeholders such as "none"; hiding them would mangle ordinary text. */
export function secretOf(apiKey: string | null): Buffer | undefined {
  return apiKey === null || apiKey.length < 8 ? undefined : Buffer.from(apiKey);
}

function usageOfLine(line: string): TokenUsage | undefined {
  if (!line.startsWith("data:")) return undefined;
  try {
    return findTokenUsage(JSON.parse(line.slice("data:".length)));
  } catch {
    return undefined; // not for us to judge; the caller reads the line itself
  }
}
