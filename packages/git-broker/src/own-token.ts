import { TOKEN_PREFIX } from "@windshift/contract/tokens.ts";

/** Characters after a token's prefix: 256 bits as base64url. */
const SECRET_CHARS = 43;
const PREFIXES = Object.values(TOKEN_PREFIX);
/** Longest token in UTF-16, bytes: what two chunks overlap by. */
const OVERLAP_BYTES = 2 * (Math.max(...PREFIXES.map((prefix) => prefix.length)) + SECRET_CHARS);

/** What every prefix begins with, as it stands in UTF-8 and in both kinds of UTF-16. */
const STARTS: readonly { needle: Buffer; stride: 1 | 2 }[] = ["wsr", "wst_"].flatMap((start) => [
  { needle: Buffer.from(start), stride: 1 as const },
  { needle: Buffer.from(start, "utf16le").subarray(0, -1), stride: 2 as const },
]);

/**
 * Looks for Windshift's own tokens in bytes of any kind, as they come. Knows their shape only: whether one is still valid
 * does not matter.
 */
export class OwnTokenSearch {
  found = false;
  private tail: Uint8Array = new Uint8Array();

  push(chunk: Uint8Array): void {
    if (this.found) return;
    const seam = Buffer.concat([this.tail, chunk.subarray(0, OVERLAP_BYTES)]);
    this.found = holdsOwnToken(seam) || holdsOwnToken(chunk);
    const all = chunk.length >= OVERLAP_BYTES ? chunk : seam;
    this.tail = Uint8Array.from(all.subarray(Math.max(0, all.length - OVERLAP_BYTES)));
  }
}

/** Whether one piece holds a token whole, as UTF-8 or as UTF-16 of either order. */
export function holdsOwnToken(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return STARTS.some(({ needle, stride }) => {
    for (let at = buffer.indexOf(needle); at >= 0; at = buffer.indexOf(needle, at + 1))
      if (isToken(buffer, at, stride)) return true;
    return false;
  });
}

function isToken(buffer: Buffer, at: number, stride: 1 | 2): boolean {
  const prefix = PREFIXES.find((candidate) =>
    [...candidate].every((char, i) => buffer[at + i * stride] === char.charCodeAt(0)),
  );
  if (prefix === undefined) return false;
  for (let i = prefix.length; i < prefix.length + SECRET_CHARS; i++) {
    if (!isBase64Url(buffer[at + i * stride] ?? 0)) return false;
    if (stride === 2 && buffer[at + i * stride - 1] !== 0) return false;
  }
  return true;
}

function isBase64Url(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2d ||
    byte === 0x5f
  );
}

const OWN_TOKEN = new RegExp(`(${PREFIXES.join("|")})[A-Za-z0-9_-]{${SECRET_CHARS}}`, "g");

/** Text in which a token may stand, such as the name of a file, without it. */
export function withoutOwnTokens(text: string): string {
  return text.replace(OWN_TOKEN, "$1[redacted]");
}
