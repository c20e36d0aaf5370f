/** How people and agents are called in comments: `Coding Agent` is `@coding-agent`. Empty for a name without a letter or digit. */
export function handleOf(name: string): string {
  return withoutMarks(name)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "");
}

/** The handles that a comment calls, in lower case, without the `@`. What is quoted, hidden or stands as code calls nobody. */
export function calledHandles(body: string): Set<string> {
  const handles = new Set<string>();
  for (const match of ownWords(body).toLowerCase().matchAll(MENTION))
    handles.add(withoutMarks(match[1] ?? ""));
  return handles;
}

/** `ü` is called by `u` as well. */
function withoutMarks(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "");
}

/** A handle ends where a word does; `@a-b` is one, and so is the `my-app[bot]` of a GitHub App. */
const MENTION = /(?<![\p{L}\p{N}_@/.-])@([\p{L}\p{N}](?:[\p{L}\p{N}]|[-_.](?=[\p{L}\p{N}]))*(?:\[bot\])?)/gu;

/** What of a comment is read for a call, characters: more than people write above one, little enough to be read at once. */
const COMMENT_READ_CHARS_MAX = 32_768;

function ownWords(body: string): string {
  const lines: string[] = [];
  let fence: string | undefined;
  for (const line of body.slice(0, COMMENT_READ_CHARS_MAX).split("\n")) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence === undefined && mark !== undefined) fence = mark;
    else if (fence !== undefined && mark?.startsWith(fence)) fence = undefined;
    else if (fence === undefined && !/^ {0,3}>/.test(line) && !/^(?: {4}|\t)/.test(line)) lines.push(line);
  }
  // A run of backticks is looked at once, up to the next one.
  return withoutHidden(lines.join("\n").replace(/(`+)[^`]*\1/g, " "));
}

/** Nothing of a comment in HTML is seen; of one that is not closed, nothing that follows. */
function withoutHidden(text: string): string {
  const seen: string[] = [];
  let from = 0;
  while (true) {
    const start = text.indexOf("<!--", from);
    if (start < 0) break;
    seen.push(text.slice(from, start));
    const end = text.indexOf("-->", start + 2);
    if (end < 0) return seen.join(" ");
    from = end + 3;
  }
  return [...seen, text.slice(from)].join(" ");
}
