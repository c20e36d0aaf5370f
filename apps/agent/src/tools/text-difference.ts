/** Lines shown of either side. */
const LINES_SHOWN_MAX = 12;
/** A longer line is shown around its first difference, characters; so many of them before it. */
const LINE_CHARS_MAX = 240;
const LINE_CHARS_BEFORE = 80;

/** Whole lines of a file, with the number of the first. */
export interface FileLines {
  first: number;
  lines: readonly string[];
}

/**
 * Says how a place differs that is the same when squeezed, and shows it.
 * @param part the place itself, which may begin and end within its lines
 */
export function describeAlike(place: FileLines, part: string, sought: string): string {
  const kind = part === sought.trim() ? edgeKind(place, sought) : kindOf(part, sought.trim(), place.first);
  const long = place.lines.some((line) => line.length > LINE_CHARS_MAX);
  const shown = numbered({ ...place, lines: long ? part.split("\n") : place.lines });
  return `${span(place)} ${differ(place)} only in ${kind}; the file has\n${shown}`;
}

/** The same text; the white space before or after it is not. */
function edgeKind({ first, lines }: FileLines, sought: string): string {
  const theirs = indentOf(lines[0]);
  const ours = indentOf(sought.split("\n").find((line) => line.trim() !== ""));
  if (ours === "" || theirs.endsWith(ours)) return "white space at the start or end of old_text";
  return indentation(first, theirs, ours);
}

function kindOf(part: string, sought: string, first: number): string {
  if (spaceless(part) !== spaceless(sought))
    return spaceless(part).toLowerCase() === spaceless(sought).toLowerCase()
      ? "letter case"
      : "quotes, dashes or unusual spaces";
  const lines = part.split("\n");
  const old = sought.split("\n");
  if (lines.length !== old.length) return "line breaks";
  if (lines.every((line, at) => line.trimEnd() === old[at]?.trimEnd())) return "white space at line ends";
  if (lines.some((line, at) => line.trim() !== old[at]?.trim())) return "white space within lines";
  const at = lines.findIndex((line, index) => indentOf(line) !== indentOf(old[index]));
  return indentation(first + at, indentOf(lines[at]), indentOf(old[at]));
}

function indentation(line: number, theirs: string, ours: string): string {
  return `indentation: line ${line} begins with ${named(theirs)}, in old_text with ${named(ours)}`;
}

function spaceless(text: string): string {
  return text.replace(/\s+/g, "");
}

function indentOf(line = ""): string {
  return /^\s*/.exec(line)?.[0] ?? "";
}

function named(indent: string): string {
  const plural = indent.length === 1 ? "" : "s";
  if (indent === "") return "no white space";
  if (/^\t+$/.test(indent)) return `${indent.length} tab${plural}`;
  return /^ +$/.test(indent) ? `${indent.length} space${plural}` : "tabs and spaces mixed";
}

/** Says where a place and the text differ, and shows both there. */
export function describeChanged(place: FileLines, old: readonly string[]): string {
  const { lines, first } = place;
  const same = sameAtStart(lines, old);
  const sameEnd = sameAtStart(lines.slice(same).reverse(), old.slice(same).reverse());
  const theirs = { first: first + same, lines: lines.slice(same, lines.length - sameEnd) };
  const ours = old.slice(same, old.length - sameEnd);
  const around = theirs.lines.length === lines.length ? "" : `the closest is at ${span(place)}; `;
  const shown = { theirs: numbered(theirs, ours), ours: excerpts(ours, theirs.lines).join("\n") };
  if (ours.length === 0 && theirs.lines.length === 0)
    return `the closest is at ${span(place)}, the same as the start of old_text, which differs further down`;
  if (ours.length === 0) return `${around}${span(theirs)} of the file, missing in old_text:\n${shown.theirs}`;
  if (theirs.lines.length === 0)
    return `${around}before line ${theirs.first} old_text has what the file has not:\n${shown.ours}`;
  const which = around === "" ? `the closest is ${span(theirs)}` : `${span(theirs)} ${differ(theirs)}`;
  return `${around}${which}; the file has\n${shown.theirs}\nold_text has\n${shown.ours}`;
}

/** How many items are equal from the start on. */
function sameAtStart(a: readonly string[], b: readonly string[]): number {
  const differing = a.findIndex((item, at) => item !== b[at]);
  return differing === -1 ? a.length : differing;
}

function span({ first, lines }: FileLines): string {
  return lines.length === 1 ? `line ${first}` : `lines ${first} to ${first + lines.length - 1}`;
}

function differ({ lines }: FileLines): string {
  return lines.length === 1 ? "differs" : "differ";
}

/** Lines as `read_file` shows them. */
function numbered({ first, lines }: FileLines, other: readonly string[] = []): string {
  const shown = excerpts(lines, other);
  return shown
    .map((line, at) => (at < lines.length && at < LINES_SHOWN_MAX ? `${first + at}\t${line}` : line))
    .join("\n");
}

/** Each line whole or, when it is long, what is around its first difference from the other's. */
function excerpts(lines: readonly string[], others: readonly string[]): string[] {
  const shown = lines.slice(0, LINES_SHOWN_MAX).map((line, at) => {
    if (line.length <= LINE_CHARS_MAX) return line;
    const differing = charsAlike(line, others[at] ?? "");
    const from = Math.max(0, differing - LINE_CHARS_BEFORE);
    return `${from > 0 ? "…" : ""}${line.slice(from, from + LINE_CHARS_MAX)}…`;
  });
  const more = lines.length - shown.length;
  return more > 0 ? [...shown, `[and ${more} more lines]`] : shown;
}

function charsAlike(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}
