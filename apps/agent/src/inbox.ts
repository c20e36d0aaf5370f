import { LineSplitter } from "@windshift/base/jsonl.ts";
import type { AgentInput } from "@windshift/contract/agent-jsonl.ts";
import { JSONL_LINE_BYTES_MAX } from "@windshift/contract/limits.ts";
import { objectOf, parseJson, textOf } from "./json.ts";

/** Text from a person while the agent works. Without `id` nobody waits for a receipt. */
export interface Steering {
  id: string | undefined;
  text: string;
}

/** What makes a session stop before its work is done. */
export type StopCause =
  | { kind: "requested" }
  | { kind: "input_ended" }
  | { kind: "signal"; name: string }
  /** The prompt cannot be taken: its line is over the limit. */
  | { kind: "prompt_too_long" }
  /** A fault of the agent itself. */
  | { kind: "crash"; error: unknown }
  /** Nobody reads what the agent says. */
  | { kind: "reader_gone" };

/** The reason of the inbox's signal. */
class Stop extends Error {
  constructor(readonly why: StopCause) {
    super(`stopped: ${why.kind}`);
  }
}

/** The agent's stdin: the first prompt, then steering messages, and the wish to stop (`abort`, end of input). */
export class Inbox {
  /** Aborts on an `abort` line, at the end of input, or by `stop`. */
  readonly signal: AbortSignal;
  /** Resolves when `signal` aborts. */
  readonly stopping: Promise<void>;
  private readonly controller = new AbortController();
  private readonly first = Promise.withResolvers<string | undefined>();
  private prompted = false;
  private waiting: Steering[] = [];

  constructor(private readonly onBadLine: (what: string) => void) {
    this.signal = this.controller.signal;
    this.stopping = new Promise((resolve) => {
      this.signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  /** Reads to the end of input; resolves then. */
  async read(input: AsyncIterable<Uint8Array>): Promise<void> {
    const splitter = new LineSplitter(JSONL_LINE_BYTES_MAX);
    try {
      for await (const chunk of input)
        for (const line of splitter.push(chunk))
          if (line.kind === "line") this.take(line.text);
          else this.passOver(line.bytes);
    } finally {
      this.stop({ kind: "input_ended" });
    }
  }

  /** The task; undefined when the session was stopped before one came. */
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

  /** The first cause counts. */
  stop(why: StopCause): void {
    this.first.resolve(undefined);
    this.controller.abort(new Stop(why));
  }

  /** Why the session is to stop; undefined as long as it is not. */
  stopped(): StopCause | undefined {
    const { reason } = this.signal;
    return reason instanceof Stop ? reason.why : undefined;
  }

  private passOver(bytes: number): void {
    this.onBadLine(`a line of ${bytes} bytes is over ${JSONL_LINE_BYTES_MAX} and was ignored`);
    // The prompt is the first line: to wait for another one would be to wait for ever.
    if (!this.prompted) this.stop({ kind: "prompt_too_long" });
  }

  private take(text: string): void {
    if (text.trim() === "") return;
    const input = parseInput(text);
    switch (input?.type) {
      case undefined:
        this.onBadLine(`ignored an input line: ${text.slice(0, 200)}`);
        return;
      case "abort":
        this.stop({ kind: "requested" });
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
