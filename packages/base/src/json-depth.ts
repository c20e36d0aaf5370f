const QUOTE = 34;
const BACKSLASH = 92;
const OPEN = new Set([91, 123]);
const CLOSE = new Set([93, 125]);

/**
 * Whether brackets nest deeper than `max`, in one pass over the text and before any parser sees it: parsing, checking
 * and writing again all recurse, and on a bomb of 200,000 brackets they stall the process for seconds (measured).
 * Says nothing about whether the text is JSON.
 */
export function isDeeperThan(text: string, max: number): boolean {
  return jsonExcess(text, { depth: max, values: Number.POSITIVE_INFINITY }) === "depth";
}

const COMMA = 44;

/**
 * Which of two bounds a text passes first, in the same single pass: levels of brackets, or values (what stands behind a
 * bracket or a comma). A million small values take seconds to parse and to check, as deep nesting does.
 */
export function jsonExcess(
  text: string,
  max: { depth: number; values: number },
): "depth" | "values" | undefined {
  let depth = 0;
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COMMA) values++;
    else if (OPEN.has(code)) {
      values++;
      if (++depth > max.depth) return "depth";
    } else if (CLOSE.has(code)) depth--;
    if (values > max.values) return "values";
  }
  return undefined;
}

/** Place of the quote that closes the string opened at `start`; the end of the text when none does. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text.charCodeAt(at - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return at;
  }
  return text.length;
}
