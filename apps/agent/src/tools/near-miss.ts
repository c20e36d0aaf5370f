import { newlinesIn } from "./line-endings.ts";
import { nearestPlace } from "./nearest-place.ts";
import { squeezed } from "./squeezed-text.ts";
import { characterStart } from "./text-cut.ts";

/** A squeezed text shorter than this is found everywhere, bytes. */
const SQUEEZED_BYTES_MIN = 4;
/** Lines shown of the file. */
const LINES_SHOWN_MAX = 12;
/** A longer line is shown around its first difference, characters; so many of them before it. */
const LINE_CHARS_MAX = 240;
const LINE_CHARS_BEFORE = 80;

/** What in the file comes closest to a text that is not in it, and how it differs. Time is linear in the file. */
export function nearMiss(file: Buffer, sought: string): string {
  const old = sought.replace(/^\s*\n/, "").trimEnd();
  return (
    slip(file, sought) ??
    alike(file, old) ??
    nearest(file, old) ??
    "nothing in the file is like it; read the file and copy the text exactly"
  );
}

/** A text that is right but for how it was written down. */
function slip(file: Buffer, sought: string): string | undefined {
  const unnumbered = sought.replace(/^ *\d+\t/gm, "");
  if (unnumbered !== sought && unnumbered.trim() !== "" && file.includes(unnumbered))
    return "it is there without the line numbers of read_file; leave them out of new_text too";
  const unescaped = sought.replace(/\\([nt"'\\])/g, (_, sign: string) => ESCAPES[sign] ?? sign);
  if (unescaped !== sought && file.includes(unescaped))
    return "it is there with a backslash less: send newlines, tabs, quotes and backslashes as they are in the file";
  return undefined;
}

const ESCAPES: Record<string, string> = { n: "\n", t: "\t" };

/** A place that differs in white space, quotes, dashes or letter case alone. */
function alike(file: Buffer, old: string): string | undefined {
  const target = squeezed(Buffer.from(old)).bytes;
  const at = target.length < SQUEEZED_BYTES_MIN ? -1 : squeezed(file).bytes.indexOf(target);
  if (at === -1) return undefined;
  const start = characterStart(file, squeezed(file, at + 1).read - 1);
  const end = squeezed(file, at + target.length).read;
  const from = file.lastIndexOf(10, start) + 1;
  const to = file.indexOf(10, end);
  const first = newlinesIn(file.subarray(0, from)) + 1;
  const lines = file.toString("utf8", from, to === -1 ? file.length : to).split("\n");
  const part = file.toString("utf8", start, end);
  const long = lines.some((line) => line.length > LINE_CHARS_MAX);
  const text = shown(first, long ? part.split("\n") : lines, []);
  return `it is at ${span(first, lines.length)} but for ${difference(first, lines, part, old)}; the file has\n${text}`;
}

/** @param part the place itself, which may begin and end within its lines */
function difference(first: number, lines: readonly string[], part: string, old: string): string {
  const [theirs = "", ours = ""] = [part, old].map((text) => text.replace(/\s+/g, ""));
  if (theirs !== ours)
    return theirs.toLowerCase() === ours.toLowerCase() ? "letter case" : "quotes, dashes or unusual spaces";
  if (lines.join("\n").includes(old)) return "white space at the start or end of old_text";
  const olds = old.split("\n");
  if (lines.length !== olds.length) return "line breaks";
  const indents = olds.map(indentOf);
  const at = lines.findIndex(
    (line, index) => indentOf(line) !== indents[index] && (index > 0 || indents[0] !== ""),
  );
  if (at !== -1)
    return `indentation: line ${first + at} begins with ${named(indentOf(lines[at]))}, in old_text with ${named(indents[at])}`;
  const sameButEnds = lines.every((line, index) => line.trimEnd().endsWith(olds[index]?.trimEnd() ?? ""));
  return sameButEnds ? "white space at line ends" : "white space within lines";
}

function indentOf(line = ""): string {
  return /^\s*/.exec(line)?.[0] ?? "";
}

function named(indent = ""): string {
  const plural = indent.length === 1 ? "" : "s";
  if (indent === "") return "no white space";
  if (/^\t+$/.test(indent)) return `${indent.length} tab${plural}`;
  return /^ +$/.test(indent) ? `${indent.length} space${plural}` : "tabs and spaces mixed";
}

/** The lines that are most like it, from the first to the last that differs. */
function nearest(file: Buffer, old: string): string | undefined {
  const start = nearestPlace(file, old);
  if (start === undefined) return undefined;
  const first = newlinesIn(file.subarray(0, start)) + 1;
  const olds = old.split("\n");
  const lines = file.toString("utf8", start).replace(/\n$/, "").split("\n", olds.length);
  const differs = (line: string, at: number) => line !== olds[at];
  const from = lines.findIndex(differs);
  if (from === -1)
    return `the file ends after ${span(first, lines.length)}, the same as the start of old_text`;
  const differing = lines.slice(from, lines.findLastIndex(differs) + 1);
  const where =
    differing.length === lines.length ? "" : `, different in ${span(first + from, differing.length)}`;
  const text = shown(first + from, differing, olds.slice(from));
  return `the closest is ${span(first, lines.length)}${where}; the file has\n${text}`;
}

function span(first: number, count: number): string {
  return count === 1 ? `line ${first}` : `lines ${first} to ${first + count - 1}`;
}

/** Lines as `read_file` shows them, long ones around their first difference from the others. */
function shown(first: number, lines: readonly string[], others: readonly string[]): string {
  const texts = lines
    .slice(0, LINES_SHOWN_MAX)
    .map((line, at) => `${first + at}\t${excerpt(line, others[at] ?? "")}`);
  if (lines.length > texts.length) texts.push(`[and ${lines.length - texts.length} more lines]`);
  return texts.join("\n");
}

function excerpt(line: string, other: string): string {
  if (line.length <= LINE_CHARS_MAX) return line;
  let alike = 0;
  while (alike < line.length && line[alike] === other[alike]) alike++;
  const from = Math.max(0, alike - LINE_CHARS_BEFORE);
  return `${from > 0 ? "…" : ""}${line.slice(from, from + LINE_CHARS_MAX)}…`;
}
