/** Tries to meet a limit of tokens before the text is given up; each takes off more. */
const TRIES_MAX = 6;

/**
 * Cuts the middle out of a text that is over a limit of tokens.
 * @param notice stands in place of the cut characters, whose number it gets; the bare number unless given
 */
export function cutMiddle(
  text: string,
  tokensMax: number,
  tokensOf: (text: string) => number,
  notice = (cutChars: number) => `[... ${cutChars} characters ...]`,
): string {
  const tokens = tokensOf(text);
  if (tokens <= tokensMax) return text;
  let chars = (text.length * tokensMax) / tokens - notice(text.length).length;
  for (let tries = 1; tries <= TRIES_MAX && chars >= 2; tries++, chars *= 0.8) {
    const cut = headAndTail(text, Math.floor(chars / 2), notice);
    if (tokensOf(cut) <= tokensMax) return cut;
  }
  return notice(text.length);
}

/** The first and last `half` characters with the notice between. */
export function headAndTail(text: string, half: number, notice: (cutChars: number) => string): string {
  // A cut may fall within a character of two halves; what is left of it must still be valid in a request.
  const head = text.slice(0, half).toWellFormed();
  const tail = half === 0 ? "" : text.slice(-half).toWellFormed();
  return `${head}\n${notice(text.length - 2 * half)}\n${tail}`;
}

/** The place in UTF-8 itself, or that of the character it falls into, which has up to three bytes after its first. */
export function characterStart(bytes: Buffer, at: number): number {
  let start = at;
  while (start > at - 4 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start--;
  return start;
}
