import { LineSplitter } from "@windshift/base/jsonl.ts";
import type { AgentInput } from "@windshift/contract/agent-jsonl.ts";
import { JSONL_LINE_BYTES_MAX } from "@windshift/contract/limits.ts";
import { objectOf, parseJson, textOf } from "./json.ts";

/** Text from a person while the agent works. Without `id` nobody waits for a receipt. */
export interface Steering {
  id: string | undefined;
  text: string;
}

/** Reason of a stop that nobody asked for: a fault of the agent itself. */
export class Crash extends Error {
  constructor(cause: unknown) {
    super("the agent itself failed", { cause });
  }
}
/** Reason of a stop because nobody reads what the agent says. */
export class ReaderGone extends Error {}

/** The agent's stdin: the first prompt, then steering messages, and the wish to stop (`abort`, end of input). */
export class Inbox {
  /** Aborts on an `abort` line, at the end of input, or by `stop`. */
  readonly signal: AbortSignal;
  private readonly controller = new AbortController();
  private readonly first = Promise.withResolvers<string | undefined>();
  private prompted = false;
  private waiting: Steering[] = [];

  constructor(private readonly onBadLine: (what: string) => void) {
    this.signal = this.controller.signal;
  }

  /** Reads to the end of input; resolves then. */
  async read(input: AsyncIterable<Uint8Array>): Promise<void> {
    const splitter = new LineSplitter(JSONL_LINE_BYTES_MAX);
    try {
      for await (const chunk of input)
        for (const line of splitter.push(chunk))
          if (line.kind === "line") this.take(line.text);
          else
            this.onBadLine(`a line of ${line.bytes} bytes is over ${JSONL_LINE_BYTES_MAX} and was ignored`);
    } finally {
      this.stop();
    }
  }

  /** The task; undefined when input ended or was aborted before one came. */
  prompt(): Promise<string | undefined> {
    return this.first.promise;
  }

  /** Hands over the messages that came since the last call, oldest first. */
  takeMessages(): Steering[] {
    const taken = this.waiting;
    this.waiting = [];
    return taken;
  }

  hasMessages(): boolean {
    return this.waiting.length > 0;
  }

  /** The first reason counts. */
  stop(reason?: Crash | ReaderGone): void {
    this.first.resolve(undefined);
    this.controller.abort(reason);
  }

  private take(text: string): void {
    if (text.trim() === "") return;
    const input = parseInput(text);
    switch (input?.type) {
      case undefined:
        this.onBadLine(`ignored an input line: ${text.slice(0, 200)}`);
        return;
      case "abort":
        this.stop();
        return;
      case "message":
        this.waiting.push({ id: input.id, text: input.text });
        return;
      case "prompt":
        if (this.prompted) this.waiting.push({ id: undefined, text: input.message });
        else this.first.resolve(input.message);
        this.prompted = true;
    }
  }
}

/** The same language as the contract's schema, which a test holds it to; undefined for anything else. */
export function parseInput(line: string): AgentInput | undefined {
  const fields = objectOf(parseJson(line));
  const message = textOf(fields.message);
  const text = textOf(fields.text);
  const id = textOf(fields.id);
  switch (fields.type) {
    case "prompt":
      return message === undefined ? undefined : { type: "prompt", message };
    case "message":
      return text === undefined || id === undefined ? undefined : { type: "message", text, id };
    case "abort":
      return { type: "abort" };
    default:
      return undefined;
  }
}
