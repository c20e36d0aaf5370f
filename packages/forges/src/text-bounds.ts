/**
 * A text that the forge will take: one that is too long loses its end, says so, and keeps the hidden marks that it closes with.
 * @param charsMax in UTF-16 units, which are never fewer than what forges count
 */
export function fitText(text: string, charsMax: number, forge: string): string {
  if (text.length <= charsMax) return text;
  const marks = MARKS.exec(text.slice(-MARKS_CHARS_MAX))?.[0] ?? "";
  const note = `\n\n(The rest was cut: ${forge} takes at most ${charsMax.toLocaleString("en")} characters.)`;
  const kept = text.slice(0, charsMax - note.length - marks.length).toWellFormed();
  return kept.replace(/\ufffd$/, "") + note + marks;
}

/** Comments in HTML at the very end: nobody sees them, and who wrote the text is known by them. */
const MARKS = /(?:\s*<!--[^<>]*-->)+\s*$/;
/** The marks of one text are far shorter, characters. */
const MARKS_CHARS_MAX = 1_000;
