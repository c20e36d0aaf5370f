const NEWLINE = 10;
const RETURN = 13;
const CRLF = Buffer.from("\r\n");

/** The bytes with LF in place of each CRLF; the very same buffer when it has none. */
export function withoutReturns(bytes: Buffer): Buffer {
  if (!bytes.includes(CRLF)) return bytes;
  const out = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte !== RETURN || bytes[at + 1] !== NEWLINE) out[length++] = byte;
  }
  return out.subarray(0, length);
}

/** How many line feeds, with a carriage return before them or not. */
export function newlinesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

/** Each line feed becomes a carriage return and a line feed. The text must have no returns yet. */
export function withReturns(bytes: Buffer): Buffer {
  if (!bytes.includes(NEWLINE)) return bytes;
  return Buffer.from(bytes.toString("utf8").replaceAll("\n", "\r\n"));
}

/**
 * Leads from a text without returns back to the bytes it was made of. Asked with growing offsets, so that all of them
 * together cost one walk over the bytes.
 */
export class LineEndings {
  private crlf: number;
  private skipped = 0;
  /** The first newline from the last place asked for on; and of all. */
  private newline = -1;
  private readonly lastNewline: number;
  constructor(private readonly original: Buffer) {
    this.crlf = original.indexOf(CRLF);
    this.lastNewline = original.lastIndexOf(NEWLINE);
  }

  /** Where a place of the text is in the bytes: before the return of a line's end, not within the pair. */
  offset(unified: number): number {
    while (this.crlf !== -1 && this.crlf - this.skipped < unified) {
      this.skipped++;
      this.crlf = this.original.indexOf(CRLF, this.crlf + 2);
    }
    return unified + this.skipped;
  }

  /** Whether the line that has this byte ends with CRLF; the last line, without an end, counts as the one before it. */
  endsWithReturn(at: number): boolean {
    if (this.newline < at) {
      const next = this.original.indexOf(NEWLINE, at);
      this.newline = next === -1 ? Number.POSITIVE_INFINITY : next;
    }
    return this.original[Math.min(this.newline, this.lastNewline) - 1] === RETURN;
  }
}
