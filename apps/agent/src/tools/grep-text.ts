import type { GrepRecord } from "./grep-engine.ts";

/** A line is shown up to this many bytes, around its match. */
const LINE_BYTES_MAX = 400;
/** Of these, before the match. */
const BEFORE_MATCH_BYTES = 100;
/** Files named in the count of what was left out. */
const LEFT_FILES_MAX = 5;

/** A line that was found, as far as it is shown. */
export interface FoundLine {
  path: string;
  line: number;
  /** Else it is context. */
  isMatch: boolean;
  text: string;
}

export interface GrepFindings {
  lines: FoundLine[];
  binaryFiles: Set<string>;
  /** Why the search ended early. */
  stopped: "time" | "enough" | undefined;
}

/** The findings as `path:line:text`, with `path-line-text` for context, and what was left out. */
export function grepText(findings: GrepFindings, limit: number, shownPath: (path: string) => string): string {
  const { shown, left } = upTo(sorted(findings.lines), limit);
  const lines: string[] = [];
  let last: FoundLine | undefined;
  const withContext = shown.some(({ isMatch }) => !isMatch);
  for (const found of shown) {
    const gap = last !== undefined && (last.path !== found.path || last.line + 1 !== found.line);
    if (withContext && gap) lines.push("--");
    const mark = found.isMatch ? ":" : "-";
    lines.push(`${shownPath(found.path)}${mark}${found.line}${mark}${found.text}`);
    last = found;
  }
  if (lines.length === 0) lines.push("no matches");
  lines.push(...notes(findings, left, shownPath));
  return lines.join("\n");
}

/** By path, then line: the order does not depend on who searched. Lines that are found twice (as context of two) stay once. */
function sorted(lines: FoundLine[]): FoundLine[] {
  return lines.sort((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1));
}

/** The first matches with the context around them, and how many each file has beyond that. */
function upTo(lines: FoundLine[], limit: number): { shown: FoundLine[]; left: Map<string, number> } {
  const left = new Map<string, number>();
  let matches = 0;
  let end = lines.length;
  for (const [at, { path, isMatch }] of lines.entries()) {
    if (!isMatch) continue;
    matches++;
    if (matches <= limit) continue;
    if (matches === limit + 1) end = at;
    left.set(path, (left.get(path) ?? 0) + 1);
  }
  return { shown: lines.slice(0, end), left };
}

/** What is shown of a line: all of it or, when it is long, what is around its match. @param rest bytes it has beyond its text */
export function shownLine({ text, matchAt = 0 }: GrepRecord, rest = 0): string {
  const whole = text.at(-1) === 0x0d ? text.subarray(0, -1) : text;
  if (whole.length <= LINE_BYTES_MAX && rest === 0) return plain(whole);
  // A match beyond what was kept of the line cannot be shown: its place is told.
  const match = matchAt < whole.length ? matchAt : 0;
  const start = Math.max(0, Math.min(match - BEFORE_MATCH_BYTES, whole.length - LINE_BYTES_MAX));
  const end = Math.min(start + LINE_BYTES_MAX, whole.length);
  // Characters that the window cuts in two are left out.
  const piece = plain(whole.subarray(start, end)).replace(/^\ufffd+|\ufffd+$/g, "");
  const [before, after] = [start > 0 ? "…" : "", end < whole.length + rest ? "…" : ""];
  const where = match === matchAt ? "" : `, the match is at byte ${matchAt + 1}`;
  return `${before}${piece}${after} [line of ${whole.length + rest} bytes${where}]`;
}

function plain(bytes: Buffer): string {
  return bytes.toString("utf8").replaceAll("\0", "\ufffd");
}

function notes(
  { binaryFiles, stopped }: GrepFindings,
  left: Map<string, number>,
  shownPath: (path: string) => string,
): string[] {
  const notes: string[] = [];
  if (left.size > 0) {
    const count = [...left.values()].reduce((sum, matches) => sum + matches, 0);
    const most = [...left].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, LEFT_FILES_MAX);
    const files = most.map(([path, matches]) => `${shownPath(path)} (${matches})`).join(", ");
    const plus = stopped === undefined ? "" : "at least ";
    notes.push(
      `[${plus}${count} more matches in ${left.size} files, most in ${files}; narrow with path, glob or a longer pattern, or raise limit]`,
    );
  }
  if (binaryFiles.size > 0) notes.push(`[${binaryFiles.size} binary files match too]`);
  if (stopped === "time") notes.push("[stopped after 30 s, so there may be more; narrow with path or glob]");
  if (stopped === "enough")
    notes.push("[stopped: far too many matches; narrow with path, glob or a longer pattern]");
  return notes;
}
