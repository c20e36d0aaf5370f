/** A name shown in an audit entry is cut to this, characters. */
const CHARS_MAX = 200;

/** Hostile Latin-1 text as printable ASCII: all else becomes `\xNN`, and what is too long is cut. */
export function printable(text: string): string {
  const shown = text
    .slice(0, CHARS_MAX)
    .replace(/[^\x20-\x5b\x5d-\x7e]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
  return text.length > CHARS_MAX ? `${shown}… [${text.length} bytes]` : shown;
}
