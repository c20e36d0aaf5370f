import { lastPlaceOf } from "./byte-search.ts";

const NOTHING = new Uint8Array(0);

/**
 * Cuts a byte stream behind the last separator seen and gives out what came before it, bytes unchanged. What is held back
 * is the unfinished rest, so a stream that is cut never shows half an event.
 */
export class StreamLines {
  private held: Uint8Array = NOTHING;
  constructor(
    private readonly separators: readonly Buffer[],
    private readonly heldBytesMax: number,
  ) {}

  /** What `chunk` completes, which may be nothing; undefined when more would be held back than allowed. */
  push(chunk: Uint8Array): Uint8Array | undefined {
    const all = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    const end = this.lastEnd(all);
    if (all.length - end > this.heldBytesMax) return undefined;
    if (end === all.length) {
      this.held = NOTHING;
      return all;
    }
    // A copy, so that a few bytes do not keep a whole chunk.
    this.held = new Uint8Array(all.subarray(end));
    return end === 0 ? NOTHING : all.subarray(0, end);
  }

  private lastEnd(bytes: Uint8Array): number {
    let end = 0;
    for (const separator of this.separators) {
      const at = lastPlaceOf(bytes, separator);
      if (at !== -1) end = Math.max(end, at + separator.length);
    }
    return end;
  }
}
