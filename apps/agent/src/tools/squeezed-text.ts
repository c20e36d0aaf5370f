/**
 * A text without what models get wrong when they copy: white space is left out, letters are small, and quotes and dashes
 * are all of one kind. Two texts that differ in nothing else are the same when squeezed.
 */
export interface Squeezed {
  bytes: Buffer;
  /** How many bytes of the source it was made of. */
  read: number;
}

const QUOTE = 0x27;
const DASH = 0x2d;

/** @param bytesMax stops once this many bytes are made, so that a place in the squeezed text leads back to the source */
export function squeezed(source: Buffer, bytesMax = source.length): Squeezed {
  const bytes = Buffer.allocUnsafe(Math.min(source.length, bytesMax));
  let made = 0;
  let at = 0;
  while (at < source.length && made < bytesMax) {
    const byte = source[at] as number;
    if (byte < 0x80) {
      at++;
      const kept = folded(byte);
      if (kept !== 0) bytes[made++] = kept;
    } else if (byte === 0xc2 && source[at + 1] === 0xa0) {
      at += 2; // no-break space
    } else {
      const kind = byte === 0xe2 && source[at + 1] === 0x80 ? punctuation(source[at + 2] ?? 0) : undefined;
      at += kind === undefined ? 1 : 3;
      if (kind !== 0) bytes[made++] = kind ?? byte;
    }
  }
  return { bytes: bytes.subarray(0, made), read: at };
}

/** What a single byte becomes; 0 when it is left out. */
export function folded(byte: number): number {
  return BYTES[byte] as number;
}

const BYTES = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === 32 || (byte >= 9 && byte <= 13)) return 0;
  if (byte === 0x22 || byte === 0x60) return QUOTE;
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
});

/** U+2000 to U+203F by its last byte: spaces, dashes and quotes; undefined for the others. */
function punctuation(last: number): number | undefined {
  if (last <= 0x8d || last === 0xaf) return 0;
  if (last <= 0x95) return DASH;
  return last >= 0x98 && last <= 0x9f ? QUOTE : undefined;
}
