import { folded } from "./squeezed-text.ts";
import type { FileLines } from "./text-difference.ts";

const NEWLINE = 10;
/** What is compared of a sought text, lines. */
const COMPARED_LINES_MAX = 5_000;
/** By how much of it the place is looked for, lines and bytes: its start tells the place well enough. */
const SOUGHT_LINES_MAX = 200;
const SOUGHT_BYTES_MAX = 32_768;
/** Part of the sought text's letter triples a place must have. */
const LIKENESS_MIN = 0.4;
/** A line that is one of those sought counts so many times: files are full of lines that are merely like it. */
const SAME_LINE_WEIGHT = 3;
/** A triple of the file that the text does not have counts against it by this much; so one long line is not like everything. */
const FOREIGN_COST = 0.5;
/** The best place is moved by up to so many lines to where most lines at its ends are the same. */
const SHIFT_LINES = 3;
/** Slots of the table of triples: a power of two, large against SOUGHT_BYTES_MAX. */
const SLOTS = 1 << 20;

/**
 * The lines of a file that have most letter triples in common with these, whatever was changed in them.
 * One walk over the file, and memory for the triples and as many lines as are sought.
 */
export function nearestLines(file: Buffer, sought: readonly string[]): FileLines | undefined {
  const traits = traitsOf(sought);
  if (traits.count === 0) return undefined;
  const best = bestWindow(file, traits, Math.min(sought.length, SOUGHT_LINES_MAX));
  return best === undefined ? undefined : aligned(file, best, sought);
}

/** The text in lines, without blank ones at its ends, as far as it is compared. */
export function soughtLines(sought: string): string[] {
  const lines = sought.split("\n");
  const first = lines.findIndex((line) => line.trim() !== "");
  const last = lines.findLastIndex((line) => line.trim() !== "");
  return first === -1 ? [] : lines.slice(first, Math.min(last + 1, first + COMPARED_LINES_MAX));
}

/** What a place is known by. */
interface Traits {
  /** One for each slot of a letter triple. */
  triples: Uint8Array;
  /** Hashes of the lines. */
  lines: Set<number>;
  /** Triples in all. */
  count: number;
}

function traitsOf(sought: readonly string[]): Traits {
  const traits: Traits = { triples: new Uint8Array(SLOTS), lines: new Set(), count: 0 };
  const text = Buffer.from(sought.slice(0, SOUGHT_LINES_MAX).join("\n"));
  const line = new LineLetters();
  for (const byte of text.subarray(0, SOUGHT_BYTES_MAX)) {
    if (byte === NEWLINE) {
      traits.lines.add(line.hash);
      line.clear();
    } else if (line.add(byte)) {
      traits.triples[slotOf(line.triple)] = 1;
      traits.count++;
    }
  }
  traits.lines.add(line.hash);
  return traits;
}

/** The letters of one line, without white space. */
class LineLetters {
  letters = 0;
  triple = 0;
  hash = 0;

  /** @returns whether there is a new triple */
  add(byte: number): boolean {
    const letter = folded(byte);
    if (letter === 0) return false;
    this.letters++;
    this.triple = ((this.triple << 8) | letter) & 0xff_ffff;
    this.hash = (Math.imul(this.hash, 31) + letter) | 0;
    return this.letters >= 3;
  }

  clear(): void {
    this.letters = 0;
    this.triple = 0;
    this.hash = 0;
  }
}

function slotOf(triple: number): number {
  return Math.imul(triple, 0x9e37_79b1) >>> 12;
}

/** Lines that follow each other: the byte the first one starts at, and its number from 0. */
interface Window {
  at: number;
  line: number;
}

function bestWindow(file: Buffer, traits: Traits, size: number): Window | undefined {
  const scores = new Float64Array(size); // of the last lines, as a ring
  const starts = new Float64Array(size);
  const letters = new LineLetters();
  let best: Window | undefined;
  let bestScore = LIKENESS_MIN * traits.count;
  let sum = 0;
  let score = 0;
  let [line, lineAt] = [0, 0];
  for (let at = 0; at <= file.length; at++) {
    const byte = at < file.length ? (file[at] as number) : NEWLINE;
    if (byte !== NEWLINE) {
      if (letters.add(byte)) score += traits.triples[slotOf(letters.triple)] === 1 ? 1 : -FOREIGN_COST;
      continue;
    }
    const slot = line % size;
    const same = letters.letters > 0 && traits.lines.has(letters.hash);
    const counted = Math.min(traits.count, Math.max(0, score)) * (same ? SAME_LINE_WEIGHT : 1);
    sum += counted - (scores[slot] as number);
    scores[slot] = counted;
    starts[slot] = lineAt;
    if (sum > bestScore) {
      const first = Math.max(0, line - size + 1);
      best = { line: first, at: starts[first % size] as number };
      bestScore = sum;
    }
    [line, lineAt, score] = [line + 1, at + 1, 0];
    letters.clear();
  }
  return best;
}

/** Moves the ends of a window to where most of its first and last lines are the sought ones: lines may be missing or too many. */
function aligned(file: Buffer, window: Window, sought: readonly string[]): FileLines {
  const { lines, before } = linesAround(file, window, sought.length);
  let best = { from: before, to: Math.min(lines.length, before + sought.length), same: 0, moved: 0 };
  for (let from = 0; from <= before + SHIFT_LINES; from++)
    for (let to = lines.length; to > from; to--) {
      const moved = Math.abs(from - before) + Math.abs(to - before - sought.length);
      const same = sameAtEnds(lines, from, to, sought);
      if (same > best.same || (same === best.same && moved < best.moved)) best = { from, to, same, moved };
    }
  return { first: window.line - before + best.from + 1, lines: lines.slice(best.from, best.to) };
}

/** How many lines are the same as those sought, from both ends up to the first that differs. */
function sameAtEnds(lines: readonly string[], from: number, to: number, sought: readonly string[]): number {
  const most = Math.min(to - from, sought.length);
  let start = 0;
  while (start < most && lines[from + start] === sought[start]) start++;
  let end = 0;
  while (start + end < most && lines[to - 1 - end] === sought[sought.length - 1 - end]) end++;
  return start + end;
}

/** The lines of a window with some more at both ends. */
function linesAround(file: Buffer, { at, line }: Window, size: number): { lines: string[]; before: number } {
  const before = Math.min(line, SHIFT_LINES);
  let from = at;
  for (let back = 0; back < before; back++) from = from < 2 ? 0 : file.lastIndexOf(NEWLINE, from - 2) + 1;
  let to = at - 1;
  for (let ahead = 0; ahead < size + SHIFT_LINES && to < file.length; ahead++) {
    const newline = file.indexOf(NEWLINE, to + 1);
    to = newline === -1 ? file.length : newline;
  }
  return { lines: file.toString("utf8", from, to).split("\n"), before };
}
