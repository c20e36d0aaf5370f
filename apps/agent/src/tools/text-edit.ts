import { isUtf8 } from "node:buffer";
import { LineEndings, newlinesIn, withoutReturns, withReturns } from "./line-endings.ts";
import { nearMiss } from "./near-miss.ts";
import { FILE_BYTES_MAX } from "./text-file.ts";

/** Edits of one call. */
const EDITS_MAX = 100;
/** Replacements of one call; more are for a program. */
const MATCHES_MAX = 100_000;
/** Line numbers named in one answer. */
const LINES_NAMED_MAX = 10;
/** Texts that are not there for which a near miss is looked for; each costs a walk over the file. */
const NEAR_MISSES_MAX = 3;
/** A new text that is found in place of the old one says that the edit was made before, from this length on, bytes. */
const DONE_BYTES_MIN = 8;

export interface Edit {
  old_text: string;
  new_text: string;
  all?: boolean | undefined;
}
export type Edited =
  /** `lines` has the first lines that were edited, as they are numbered now. */
  { kind: "edited"; bytes: Buffer; matches: number; lines: number[] } | { kind: "refused"; why: string };

/**
 * Replaces texts in the bytes of a file; every byte around them stays as it is. Each text is looked for in the file as it
 * was given, so edits do not see one another, and all are made or none.
 *
 * A newline of the texts matches LF and CRLF, and is written as the lines there end. Time is linear in the file for each edit.
 */
export function editedText(original: Buffer, edits: readonly Edit[]): Edited {
  if (edits.length === 0) return refused("edits is empty");
  if (edits.length > EDITS_MAX)
    return refused(`${edits.length} edits are over ${EDITS_MAX}; make several calls`);
  const text = withoutReturns(original);
  const ascii = !isUtf8(original);
  const problems: string[] = [];
  const spots: Spot[] = [];
  for (const [at, edit] of edits.entries()) {
    const found = spotsOf(text, edit, { ascii, nearMisses: problems.length < NEAR_MISSES_MAX });
    if (typeof found !== "string") for (const start of found.starts) spots.push({ at, start, ...found });
    else problems.push(edits.length === 1 ? found : `edits[${at}]: ${found}`);
  }
  spots.sort((a, b) => a.start - b.start);
  if (problems.length === 0) problems.push(...problemsTogether(spots, text));
  return problems.length > 0 ? refused(problems.join("\n")) : assembled(original, spots);
}

interface Found {
  /** Bytes of the old text. */
  length: number;
  replacement: Buffer;
}
/** One place that is edited, in the text without returns. */
interface Spot extends Found {
  /** Number of its edit. */
  at: number;
  start: number;
}

function spotsOf(
  text: Buffer,
  edit: Edit,
  options: { ascii: boolean; nearMisses: boolean },
): (Found & { starts: number[] }) | string {
  const sought = edit.old_text.replaceAll("\r\n", "\n");
  const replacement = Buffer.from(edit.new_text.replaceAll("\r\n", "\n"));
  const old = Buffer.from(sought);
  if (old.length === 0) return "old_text is empty; copy the text to replace from the file";
  if (old.equals(replacement))
    return "old_text and new_text are the same (line endings stay as they are; change them with bash)";
  if (options.ascii && replacement.some((byte) => byte > 127))
    return "the file is not UTF-8, so new_text must be plain ASCII; use bash";
  const starts = startsOf(text, old);
  if (starts.length === 0)
    return `0 matches of old_text${options.nearMisses ? whyNone(text, sought, replacement) : ""}`;
  if (starts.length > MATCHES_MAX) return `over ${MATCHES_MAX} matches of old_text; use bash (sed)`;
  if (starts.length > 1 && !edit.all) {
    const lines = lineNumbers(text, starts.slice(0, LINES_NAMED_MAX));
    const more = starts.length > lines.length ? " …" : "";
    return `${starts.length} matches of old_text, at lines ${lines.join(", ")}${more}; add lines around it until it is unique, or set all`;
  }
  if (!edit.all && text.indexOf(old, (starts[0] ?? 0) + 1) !== -1)
    return `old_text matches twice, one over the other, at line ${lineNumbers(text, starts)}; add lines around it`;
  return { length: old.length, replacement, starts };
}

/** Where the text is, one match after the other; one over the limit at most. */
function startsOf(text: Buffer, old: Buffer): number[] {
  const starts: number[] = [];
  for (let at = text.indexOf(old); at !== -1; at = text.indexOf(old, at + old.length)) {
    starts.push(at);
    if (starts.length > MATCHES_MAX) break;
  }
  return starts;
}

function whyNone(text: Buffer, sought: string, replacement: Buffer): string {
  const done = replacement.length >= DONE_BYTES_MIN ? text.indexOf(replacement) : -1;
  const already = done === -1 ? "" : `; new_text is there already, at line ${lineNumbers(text, [done])}`;
  return `${already}; ${nearMiss(text, sought)}`;
}

function problemsTogether(spots: readonly Spot[], text: Buffer): string[] {
  if (spots.length > MATCHES_MAX) return [`over ${MATCHES_MAX} replacements; make several calls`];
  for (const [index, spot] of spots.entries()) {
    const before = spots[index - 1];
    if (before === undefined || before.start + before.length <= spot.start) continue;
    const line = lineNumbers(text, [spot.start]);
    return [`edits[${before.at}] and edits[${spot.at}] overlap at line ${line}; put them in one edit`];
  }
  return [];
}

function assembled(original: Buffer, spots: readonly Spot[]): Edited {
  const endings = new LineEndings(original);
  const pieces: Buffer[] = [];
  const lines: number[] = [];
  let from = 0;
  let bytes = 0;
  let line = 1;
  for (const spot of spots) {
    const start = endings.offset(spot.start);
    const before = original.subarray(from, start);
    const written = endings.endsWithReturn(start) ? withReturns(spot.replacement) : spot.replacement;
    pieces.push(before, written);
    bytes += before.length + written.length;
    if (bytes > FILE_BYTES_MAX) return refused(`the file would grow over ${FILE_BYTES_MAX} bytes; use bash`);
    if (lines.length < LINES_NAMED_MAX) {
      line += newlinesIn(before);
      lines.push(line);
      line += newlinesIn(written);
    }
    from = endings.offset(spot.start + spot.length);
  }
  pieces.push(original.subarray(from));
  return { kind: "edited", bytes: Buffer.concat(pieces), matches: spots.length, lines };
}

/** Numbers of the lines in which these places are; the places grow. */
function lineNumbers(text: Buffer, places: readonly number[]): number[] {
  let line = 1;
  let from = 0;
  return places.map((place) => {
    line += newlinesIn(text.subarray(from, place));
    from = place;
    return line;
  });
}

function refused(why: string): Edited {
  return { kind: "refused", why };
}
