/** What a line reader found: a whole line, or one that was longer than the limit and was dropped. */
export type Line = { kind: "line"; text: string } | { kind: "too_long"; bytes: number; head: string };

/** How much of an over-long line is kept to show a person, bytes. */
const HEAD_BYTES = 200;

/**
 * Splits a byte stream into lines (LF, a CR before it is dropped) with bounded memory: a line over `bytesMax` is
 * skipped to its end and reported once, with its first bytes. Invalid UTF-8 becomes U+FFFD.
 */
export class LineSplitter {
  private parts: Uint8Array[] = [];
  private held = 0;
  private skipped = 0;
  private head = "";
  constructor(private readonly bytesMax: number) {}

  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (let at = chunk.indexOf(10, from); at !== -1; at = chunk.indexOf(10, from)) {
      this.take(chunk.subarray(from, at));
      lines.push(this.cut());
      from = at + 1;
    }
    this.take(chunk.subarray(from));
    return lines;
  }

  /** The unfinished last line, if any. */
  end(): Line[] {
    return this.held === 0 && this.skipped === 0 ? [] : [this.cut()];
  }

  private take(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.skipped === 0 && this.held + bytes.length <= this.bytesMax) {
      this.parts.push(bytes.slice());
      this.held += bytes.length;
      return;
    }
    if (this.skipped === 0)
      this.head = Buffer.concat([...this.parts, bytes.subarray(0, HEAD_BYTES)]).toString(
        "utf8",
        0,
        HEAD_BYTES,
      );
    this.skipped += this.held + bytes.length;
    this.parts = [];
    this.held = 0;
  }

  private cut(): Line {
    const line: Line =
      this.skipped > 0
        ? { kind: "too_long", bytes: this.skipped, head: this.head }
        : { kind: "line", text: Buffer.concat(this.parts).toString("utf8").replace(/\r$/, "") };
    this.parts = [];
    this.held = 0;
    this.skipped = 0;
    return line;
  }
}
