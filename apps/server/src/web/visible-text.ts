/**
 * Characters that change how other text is shown, or are not shown at all: controls (but tab and line feed), marks of
 * writing direction, zero-width spaces, line separators and tags. With them a diff can show other code than it holds.
 */
const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/** Writes such characters as `[U+202E]`; a carriage return before a line feed goes, as it says nothing. */
export function visibleText(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replace(
      HIDDEN,
      (char) => `[U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`,
    );
}

/** The same for every text inside a value that came as JSON. */
export function visibleTexts(value: unknown): unknown {
  if (typeof value === "string") return visibleText(value);
  if (Array.isArray(value)) return value.map(visibleTexts);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, visibleTexts(inner)]));
}
