import { z } from "zod";

/** One line of text for a name or a title: trimmed, not empty, no control characters. */
export function lineOfText(charsMax: number) {
  return z
    .string()
    .trim()
    .min(1)
    .max(charsMax)
    .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, "one line without control characters");
}

/** Text of many lines, Markdown for instance. NUL is refused: not every database can keep it. */
export function longText(bytesMax: number) {
  return z
    .string()
    .regex(/^[^\0]*$/, "text without NUL characters")
    .refine(
      (text) => new TextEncoder().encode(text).length <= bytesMax,
      `at most ${bytesMax} bytes of UTF-8`,
    );
}
