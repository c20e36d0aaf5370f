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
    const first = chunk.indexOf(10);
    if (first === -1) {
      this.take(chunk);
      return [];
    }
    this.take(chunk.subarray(0, first));
    const last = chunk.lastIndexOf(10);
    const lines = [this.cut()].concat(this.linesOf(chunk.subarray(first + 1, last + 1)));
    this.take(chunk.subarray(last + 1));
    return lines;
  }

  /** The unfinished last line, if any. */
  end(): Line[] {
    return this.held === 0 && this.skipped === 0 ? [] : [this.cut()];
  }

  /** Whole lines of one chunk, each with its LF. They are decoded as one: a flood of them is not paid for one by one. */
  private linesOf(bytes: Uint8Array): Line[] {
    if (bytes.length === 0) return [];
    if (bytes.length <= this.bytesMax) return decode(bytes.subarray(0, -1)).split("\n").map(whole);
    const lines: Line[] = [];
    for (let from = 0; from < bytes.length; ) {
      const at = bytes.indexOf(10, from);
      this.take(bytes.subarray(from, at));
      lines.push(this.cut());
      from = at + 1;
    }
    return lines;
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
        : whole(decode(Buffer.concat(this.parts)));
    this.parts = [];
    this.held = 0;
    this.skipped = 0;
    return line;
  }
}

function whole(text: string): Line {
  return { kind: "line", text: text.endsWith("\r") ? text.slice(0, -1) : text };
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
}
