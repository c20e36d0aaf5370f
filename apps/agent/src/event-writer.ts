import type { AgentOutput } from "@windshift/contract/agent-jsonl.ts";
import { JSONL_LINE_BYTES_MAX } from "@windshift/contract/limits.ts";
import { type Json, wellFormed } from "./json.ts";

export type Emit = (event: AgentOutput) => void;

/** Where lines go; `Bun.stdout.writer()` is one. */
export interface LineSink {
  write(line: string): unknown;
  flush(): number | Promise<number>;
}

/** What is kept of one field of an over-long event, characters: a transcript keeps as much. Halved until the line fits. */
const FIELD_CHARS_MAX = 65_536;

/** Writes events as JSON lines, in order, none longer than the contract allows. */
export class EventWriter {
  private written: Promise<unknown> = Promise.resolve();
  constructor(
    private readonly sink: LineSink,
    private readonly onBroken: () => void,
  ) {}

  readonly emit: Emit = (event) => {
    const line = lineOf(event);
    try {
      this.sink.write(`${line}\n`);
      const flushed = this.sink.flush();
      if (typeof flushed === "object") this.written = flushed.catch(() => this.onBroken());
    } catch {
      this.onBroken(); // nobody reads any more
    }
  };

  /** Resolves when the reader has taken what was written: a slow reader slows the agent down instead of filling its memory. */
  async drained(): Promise<void> {
    await this.written;
  }
}

/** The event as one line under JSONL_LINE_BYTES_MAX, whatever a model put into it, without half surrogate pairs, which are no text. */
export function lineOf(event: AgentOutput): string {
  const line = stringify(event);
  if (line !== undefined && isShort(line))
    return line.includes("\\ud") ? JSON.stringify(event, wellFormed) : line;
  const fields = Object.entries(event).map(
    ([name, value]) => [name, textOfField(value, line !== undefined)] as const,
  );
  for (let charsMax = FIELD_CHARS_MAX; ; charsMax >>= 1) {
    const cut = JSON.stringify(
      Object.fromEntries(fields.map(([name, value]) => [name, cutField(value, charsMax)])),
    );
    if (isShort(cut)) return cut;
  }
}

function isShort(line: string): boolean {
  return line.length < JSONL_LINE_BYTES_MAX && Buffer.byteLength(line) < JSONL_LINE_BYTES_MAX;
}

/** A structure, such as the arguments of a tool, becomes the text of its beginning in an event that is too large. */
function textOfField(value: Json | undefined, writable: boolean): Json | undefined {
  if (typeof value !== "object" || value === null) return value;
  return writable ? JSON.stringify(value, wellFormed) : "(nested too deeply to be shown)";
}

function cutField(value: Json | undefined, charsMax: number): Json | undefined {
  if (typeof value !== "string") return value;
  return value.length > charsMax ? `${value.slice(0, charsMax).toWellFormed()}… [cut]` : value.toWellFormed();
}

/** Undefined for what is nested more deeply than can be written. */
function stringify(event: AgentOutput): string | undefined {
  try {
    return JSON.stringify(event);
  } catch {
    return undefined;
  }
}
