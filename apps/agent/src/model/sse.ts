import { ByteBuffer } from "./byte-buffer.ts";

const LF = 10;
const CR = 13;
const BOM = "\uFEFF";

/**
 * Splits a server-sent event stream into the `data` of its events. Takes LF, CRLF and CR; joins several data lines of one event;
 * skips comments, other fields and a byte order mark. Bytes may be cut anywhere between two `push` calls; each is looked at once.
 */
export class SseParser {
  /** The line that has not ended yet. */
  private readonly held = new ByteBuffer();
  private data: string[] = [];
  private afterCr = false;
  private atStart = true;

  push(chunk: Uint8Array): string[] {
    if (chunk.length === 0) return [];
    // The second half of a CRLF ends no line of its own.
    const bytes = this.afterCr && chunk[0] === LF ? chunk.subarray(1) : chunk;
    this.afterCr = chunk.at(-1) === CR;
    const end = Math.max(bytes.lastIndexOf(LF), bytes.lastIndexOf(CR)) + 1;
    const events: string[] = [];
    if (end > 0) {
      this.held.add(bytes.subarray(0, end));
      const text = this.held.take();
      const lines = text.includes("\r") ? text.split(/\r\n|\r|\n/) : text.split("\n");
      lines.pop(); // behind the last end of line there is nothing
      for (const line of lines) this.take(line, events);
    }
    this.held.add(bytes.subarray(end));
    return events;
  }

  /** The event the stream ended in, whose end was not marked; it may be half an event. */
  end(): string | undefined {
    const events: string[] = [];
    this.take(this.held.take(), events);
    this.take("", events);
    return events.at(-1);
  }

  private take(text: string, events: string[]): void {
    const line = this.atStart && text.startsWith(BOM) ? text.slice(1) : text;
    this.atStart = false;
    if (line === "") {
      if (this.data.length > 0) events.push(this.data.join("\n"));
      this.data = [];
    } else if (line.startsWith("data:")) {
      this.data.push(line.slice(line[5] === " " ? 6 : 5));
    }
  }
}
