import { nearestLines, soughtLines } from "./nearest-lines.ts";
import { squeezed } from "./squeezed-text.ts";
import { describeAlike, describeChanged, type FileLines } from "./text-difference.ts";

/** A squeezed text shorter than this is found everywhere, bytes. */
const SQUEEZED_BYTES_MIN = 4;

/** What in the file comes closest to a text that is not in it, and how it differs. Time is linear in the file. */
export function nearMiss(file: Buffer, sought: string): string {
  return (
    slip(file, sought) ??
    alikeWhenSqueezed(file, sought) ??
    changedLines(file, sought) ??
    "nothing in the file is like it; read the file and copy the text exactly"
  );
}

/** Texts that are right but for how they were written down. */
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

function changedLines(file: Buffer, sought: string): string | undefined {
  const old = soughtLines(sought);
  const nearest = nearestLines(file, old);
  return nearest === undefined ? undefined : describeChanged(nearest, old);
}

/** A place that differs in white space, quotes, dashes or letter case alone. */
function alikeWhenSqueezed(file: Buffer, sought: string): string | undefined {
  const target = squeezed(Buffer.from(sought)).bytes;
  if (target.length < SQUEEZED_BYTES_MIN) return undefined;
  const whole = squeezed(file).bytes;
  const at = whole.indexOf(target);
  if (at === -1) return undefined;
  const end = squeezed(file, at + target.length).read;
  let start = squeezed(file, at + 1).read - 1;
  while (((file[start] ?? 0) & 0xc0) === 0x80) start--; // to the first byte of the character
  return describeAlike(linesAround(file, start, end), file.toString("utf8", start, end), sought);
}

/** The whole lines of a place. */
function linesAround(file: Buffer, start: number, end: number): FileLines {
  const from = start === 0 ? 0 : file.lastIndexOf(10, start - 1) + 1;
  const newline = file.indexOf(10, end);
  const lines = file.toString("utf8", from, newline === -1 ? file.length : newline).split("\n");
  return { first: newlinesIn(file, from) + 1, lines };
}

function newlinesIn(file: Buffer, to: number): number {
  let count = 0;
  for (let at = file.indexOf(10); at !== -1 && at < to; at = file.indexOf(10, at + 1)) count++;
  return count;
}
