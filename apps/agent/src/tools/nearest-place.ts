import { squeezed } from "./squeezed-text.ts";

/** By how much of a text its place is looked for, characters: its start tells the place well enough. */
const SOUGHT_CHARS_MAX = 32_768;
/** Part of the sought text's letter triples a place must have. */
const LIKENESS_MIN = 0.4;
/** A line that is one of those sought counts so many times: files are full of lines that are merely like it. */
const SAME_LINE_WEIGHT = 3;
/** A triple of the file that the text does not have counts against it by this much; so one long line is not like everything. */
const FOREIGN_COST = 0.5;

/**
 * The byte at which as many lines begin as the text has, with most letter triples in common with it, whatever was changed.
 * One walk over the file, and memory for the triples and as many lines as are sought.
 */
export function nearestPlace(file: Buffer, sought: string): number | undefined {
  const lines = sought
    .slice(0, SOUGHT_CHARS_MAX)
    .split("\n")
    .map((line) => squeezed(Buffer.from(line)).bytes);
  const texts = new Set(lines.map(String));
  const triples = new Set<number>();
  let count = 0;
  for (const line of lines) for (let at = 2; at < line.length; at++, count++) triples.add(tripleAt(line, at));
  const scoreOf = (line: Buffer) => {
    let score = 0;
    for (let at = 2; at < line.length; at++) score += triples.has(tripleAt(line, at)) ? 1 : -FOREIGN_COST;
    const counted = Math.min(count, Math.max(0, score));
    return texts.has(String(line)) ? counted * SAME_LINE_WEIGHT + 1 : counted; // 1: a bracket alone has no triple
  };
  return count === 0 ? undefined : bestWindow(file, lines.length, scoreOf, LIKENESS_MIN * count);
}

/** The three bytes that end here, as a number. */
function tripleAt(line: Buffer, at: number): number {
  return ((line[at - 2] as number) << 16) | ((line[at - 1] as number) << 8) | (line[at] as number);
}

/**
 * Where the `size` lines begin that score most together, and `scoreMin` at least. The last such place, as it does not begin
 * with lines that score nothing.
 * @param scoreOf of a squeezed line
 */
function bestWindow(
  file: Buffer,
  size: number,
  scoreOf: (line: Buffer) => number,
  scoreMin: number,
): number | undefined {
  const scores = new Float64Array(size); // of the last lines, as a ring
  const starts = new Float64Array(size);
  let [best, bestSum, sum, slot] = [undefined as number | undefined, scoreMin, 0, 0];
  for (let at = 0; at < file.length; ) {
    const newline = file.indexOf(10, at);
    const end = newline === -1 ? file.length : newline;
    const score = end === at ? 0 : scoreOf(squeezed(file.subarray(at, end)).bytes);
    sum += score - (scores[slot] as number);
    scores[slot] = score;
    starts[slot] = at;
    slot = (slot + 1) % size;
    // The oldest line is the next to go; before the window is full that is none, and the file's start.
    if (sum >= bestSum) [best, bestSum] = [starts[slot], sum];
    at = end + 1;
  }
  return best;
}
