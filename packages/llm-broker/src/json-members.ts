const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const BACKSLASH = 92;
const OPEN = new Set([91, 123]);
const CLOSE = new Set([93, 125]);

/**
 * The members of an object as they are written, so that a long one need not be written again.
 * @param text what `json` was parsed from
 * @returns nothing when a key stands twice anywhere in it: the text may then mean another thing to another reader
 */
export function membersOf(text: string, json: object): ReadonlyMap<string, string> | undefined {
  const { values, members } = outlineOf(text);
  return values === valuesIn(json) ? members : undefined;
}

/**
 * One pass over a text that is JSON. `values` are commas and opened brackets: an object or array of n parts has n of them,
 * an empty one 1. Of two members with the same key only one is left after parsing, so the parsed value then has fewer.
 */
function outlineOf(text: string): { values: number; members: Map<string, string> } {
  const members = new Map<string, string>();
  let depth = 0;
  let values = 0;
  let key: string | undefined;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      if (depth === 1 && key === undefined) key = JSON.parse(text.slice(at, end + 1));
      at = end;
    } else if (code === COLON) {
      if (depth === 1) start = at + 1;
    } else if (OPEN.has(code)) {
      values++;
      depth++;
    } else if (code === COMMA || CLOSE.has(code)) {
      if (depth === 1 && key !== undefined) {
        members.set(key, text.slice(start, at));
        key = undefined;
      }
      if (code === COMMA) values++;
      else depth--;
    }
  }
  return { values, members };
}

function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text.charCodeAt(at - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return at;
  }
  return text.length;
}

/** As `outlineOf` counts them. Recurses as deep as the value is nested. */
function valuesIn(json: unknown): number {
  if (typeof json !== "object" || json === null) return 0;
  let parts = 0;
  let inside = 0;
  if (Array.isArray(json)) {
    parts = json.length;
    for (const part of json) if (typeof part === "object") inside += valuesIn(part);
  } else {
    for (const name in json) {
      const part: unknown = json[name as keyof typeof json];
      parts++;
      if (typeof part === "object") inside += valuesIn(part);
    }
  }
  return Math.max(parts, 1) + inside;
}
