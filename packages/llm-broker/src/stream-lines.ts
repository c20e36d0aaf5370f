const NOTHING = new Uint8Array(0);

/**
 * Cuts a byte stream behind the last separator seen and gives out what came before it, bytes unchanged. What is held back
 * is the unfinished rest, so a stream that is cut never shows half an event.
 */
export class StreamLines {
  private held: Buffer = Buffer.alloc(0);
  constructor(
    private readonly separators: readonly Buffer[],
    private readonly heldBytesMax: number,
  ) {}

  /** What `chunk` completes, which may be nothing; undefined when more would be held back than allowed. */
  push(chunk: Uint8Array): Uint8Array | undefined {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const all = this.held.length === 0 ? bytes : Buffer.concat([this.held, bytes]);
    const end = this.lastEnd(all);
    if (all.length - end > this.heldBytesMax) return undefined;
    // A copy, so that a few bytes do not keep a whole chunk.
    this.held = end === all.length ? Buffer.alloc(0) : Buffer.from(all.subarray(end));
    return end === 0 ? NOTHING : all.subarray(0, end);
  }

  private lastEnd(bytes: Buffer): number {
    let end = 0;
    for (const separator of this.separators) {
      const at = bytes.lastIndexOf(separator);
      if (at !== -1) end = Math.max(end, at + separator.length);
    }
    return end;
  }
}
