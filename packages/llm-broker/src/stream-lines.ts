const LF = 10;

/**
 * Cuts a byte stream after each line feed and gives out whole lines only, bytes unchanged. What is held back is the
 * unfinished line, so a stream that is cut never shows half an event.
 */
export class StreamLines {
  private held: Uint8Array[] = [];
  private bytes = 0;
  constructor(private readonly lineBytesMax: number) {}

  /** The whole lines that `chunk` completes; undefined when a line is longer than allowed. */
  push(chunk: Uint8Array): Uint8Array[] | undefined {
    const lines: Uint8Array[] = [];
    let from = 0;
    for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, from)) {
      const part = chunk.subarray(from, at + 1);
      if (this.bytes + part.length > this.lineBytesMax) return undefined;
      lines.push(this.held.length === 0 ? part : Buffer.concat([...this.held, part]));
      this.held = [];
      this.bytes = 0;
      from = at + 1;
    }
    const rest = chunk.subarray(from);
    this.bytes += rest.length;
    if (this.bytes > this.lineBytesMax) return undefined;
    if (rest.length > 0) this.held.push(rest.slice());
    return lines;
  }
}
