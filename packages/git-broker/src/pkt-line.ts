/** One unit of git's pkt-line framing. `bad` is final: the reader gives nothing else after it. */
export type PktFrame =
  | { kind: "data"; payload: Uint8Array }
  | { kind: "flush" }
  | { kind: "bad"; why: string };

/** The longest pkt-line git writes or reads, bytes with its four of length. Source: git's LARGE_PACKET_MAX. */
export const PKT_BYTES_MAX = 65_520;

/**
 * Cuts a byte stream into pkt-lines, whatever its chunks are. Holds at most what was pushed and not yet taken.
 * Stricter than git: lengths in lower-case hex only, no empty line, none of the special lines of protocol v2.
 */
export class PktReader {
  private buffer = new Uint8Array(1_024);
  private from = 0;
  private to = 0;
  private bad: PktFrame | undefined;

  push(chunk: Uint8Array): void {
    this.makeRoom(chunk.length);
    this.buffer.set(chunk, this.to);
    this.to += chunk.length;
  }

  /** The next whole frame, or undefined until more bytes came. The payload is valid until the next `push`. */
  next(): PktFrame | undefined {
    if (this.bad !== undefined) return this.bad;
    if (this.heldBytes < 4) return undefined;
    const length = this.readLength();
    if (length === 0) {
      this.from += 4;
      return { kind: "flush" };
    }
    if (length === undefined || length < 5 || length > PKT_BYTES_MAX) {
      this.bad = { kind: "bad", why: "a pkt-line of impossible length" };
      return this.bad;
    }
    if (this.heldBytes < length) return undefined;
    const payload = this.buffer.subarray(this.from + 4, this.from + length);
    this.from += length;
    return { kind: "data", payload };
  }

  /** Bytes pushed and not yet part of a frame. */
  get heldBytes(): number {
    return this.to - this.from;
  }

  /** Those bytes. */
  held(): Uint8Array {
    return this.buffer.slice(this.from, this.to);
  }

  private readLength(): number | undefined {
    let length = 0;
    for (let i = 0; i < 4; i++) {
      const digit = hexDigit(this.buffer[this.from + i] ?? 0);
      if (digit === undefined) return undefined;
      length = length * 16 + digit;
    }
    return length;
  }

  private makeRoom(bytes: number): void {
    if (this.to + bytes <= this.buffer.length) return;
    const held = this.heldBytes;
    const grown =
      held + bytes <= this.buffer.length
        ? this.buffer
        : new Uint8Array(Math.max(held + bytes, 2 * this.buffer.length));
    grown.set(this.buffer.subarray(this.from, this.to));
    this.buffer = grown;
    this.from = 0;
    this.to = held;
  }
}

/** One pkt-line around `payload`. */
export function pktLine(payload: string | Uint8Array): Uint8Array {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, "0")), bytes]);
}

function hexDigit(byte: number): number | undefined {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  if (byte >= 0x61 && byte <= 0x66) return byte - 0x57;
  return undefined;
}
