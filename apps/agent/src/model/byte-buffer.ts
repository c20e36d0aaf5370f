/** First size, bytes; it doubles when full, so that adding is linear however small the pieces are. */
const SIZE_FIRST = 4_096;

/** A buffer up to this size is used again, bytes: lines are short and many. */
const SIZE_KEPT_MAX = 65_536;

/** Bytes that come in pieces and are wanted as one text. Holds at most twice what it was given. */
export class ByteBuffer {
  length = 0;
  private bytes = Buffer.alloc(0);

  add(piece: Uint8Array): void {
    const length = this.length + piece.length;
    if (length > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.bytes.length, SIZE_FIRST));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    this.bytes.set(piece, this.length);
    this.length = length;
  }

  /** All of it as UTF-8, with U+FFFD for what is none; empty afterwards. */
  take(): string {
    const text = this.bytes.toString("utf8", 0, this.length);
    if (this.bytes.length > SIZE_KEPT_MAX) this.bytes = Buffer.alloc(0);
    this.length = 0;
    return text;
  }
}
