/** First size of the buffer, bytes: a first request takes about half of it. It doubles when it is full. */
const BUFFER_BYTES_MIN = 16_384;
/** The end of every request. */
const CLOSING = "]}";

/**
 * The bytes of a request, kept from one turn to the next. A conversation grows at its end, so only what is new is encoded, and
 * no turn makes a string or a copy of the whole: at 128k tokens that is half a megabyte of garbage a turn.
 */
export class RequestBody {
  private readonly encoder = new TextEncoder();
  private buffer = new Uint8Array(BUFFER_BYTES_MIN);
  private head = "";
  /** Where each message ends in the buffer; the head is before the first. */
  private readonly ends: number[] = [];
  private headEnd = 0;

  /** Messages from this place on are no longer what was encoded. */
  changedFrom(index: number): void {
    this.ends.length = Math.min(this.ends.length, index);
  }

  /**
   * @param head everything up to the first message
   * @returns a view of the buffer, good until the next call of a method
   */
  encode(head: string, messages: readonly { json: string }[]): Uint8Array<ArrayBuffer> {
    if (head !== this.head) {
      this.head = head;
      this.headEnd = this.write(head, 0);
      this.ends.length = 0;
    }
    for (let index = this.ends.length; index < messages.length; index++) {
      const at = this.ends.at(-1) ?? this.headEnd;
      this.ends.push(this.write(`${index === 0 ? "" : ","}${messages[index]?.json ?? ""}`, at));
    }
    const end = this.write(CLOSING, this.ends.at(-1) ?? this.headEnd);
    return this.buffer.subarray(0, end);
  }

  /** @returns where the text ends */
  private write(text: string, at: number): number {
    for (;;) {
      const { read, written } = this.encoder.encodeInto(text, this.buffer.subarray(at));
      if (read === text.length) return at + written;
      const larger = new Uint8Array(2 * this.buffer.length);
      larger.set(this.buffer.subarray(0, at));
      this.buffer = larger;
    }
  }
}
