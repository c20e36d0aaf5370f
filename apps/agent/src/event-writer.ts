import type { AgentOutput } from "@windshift/contract/agent-jsonl.ts";
import { JSONL_LINE_BYTES_MAX } from "@windshift/contract/limits.ts";

export type Emit = (event: AgentOutput) => void;

/** Where lines go; `Bun.stdout.writer()` is one. */
export interface LineSink {
  write(line: string): unknown;
  flush(): number | Promise<number>;
}

/** Writes events as JSON lines, in order, none longer than the contract allows. */
export class EventWriter {
  private written: Promise<unknown> = Promise.resolve();
  constructor(
    private readonly sink: LineSink,
    private readonly onBroken: () => void,
  ) {}

  readonly emit: Emit = (event) => {
    try {
      this.sink.write(`${lineOf(event)}\n`);
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

/** Texts of an over-long event are shortened until it fits; a field of text is the only thing that can be that long. */
function lineOf(event: AgentOutput): string {
  let line = JSON.stringify(event);
  for (let keep = 262_144; Buffer.byteLength(line) >= JSONL_LINE_BYTES_MAX && keep > 0; keep >>= 2)
    line = JSON.stringify(event, (_key, value: unknown) =>
      typeof value === "string" && value.length > keep ? `${value.slice(0, keep)}… [cut]` : value,
    );
  return line;
}
