import { EXCERPT_CHARS_MAX } from "@windshift/contract/limits.ts";

/** The start of a text as one line, for a notification; says by an ellipsis that there is more. */
export function excerptOf(text: string): string {
  // Enough of it to fill the line, whatever part of it is white space.
  const start = text.slice(0, EXCERPT_CHARS_MAX * 10).replace(/[\s\p{Cc}\p{Cf}]+/gu, " ");
  const line = start.trim();
  if (line.length <= EXCERPT_CHARS_MAX) return line;
  return `${[...line.slice(0, EXCERPT_CHARS_MAX - 1)].join("").replace(/[\uD800-\uDBFF]$/, "")}…`;
}
