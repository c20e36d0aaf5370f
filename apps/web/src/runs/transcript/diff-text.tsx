import { MarkedText } from "./marked-text.tsx";

type LineKind = "added" | "removed" | "hunk" | "file" | "same";
export interface DiffTextLine {
  kind: LineKind;
  text: string;
}

/** More lines than this are shown without colors: each is an element of the page. */
const DIFF_LINES_MAX = 2_000;

/** The lines of a unified diff within what a tool printed; undefined for what is none. */
export function diffTextLines(text: string): DiffTextLine[] | undefined {
  if (!/^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@/m.test(text)) return undefined;
  const lines = text.replaceAll("\r\n", "\n").replace(/\n$/, "").split("\n");
  if (lines.length > DIFF_LINES_MAX) return undefined;
  let inHunk = false;
  return lines.map((line) => {
    if (/^@@ -\d/.test(line)) inHunk = true;
    else if (/^(?:diff --git |commit [0-9a-f]{7})/.test(line)) inHunk = false;
    return { kind: kindOf(line, inHunk), text: line };
  });
}

function kindOf(line: string, inHunk: boolean): LineKind {
  if (line.startsWith("@@ -")) return "hunk";
  if (!inHunk) return /^(?:diff --git |index |--- |\+\+\+ )/.test(line) ? "file" : "same";
  if (line.startsWith("+")) return "added";
  return line.startsWith("-") ? "removed" : "same";
}

/** What an edit takes out and puts in, as the agent asked for it; undefined for other tools. */
export function editLines(args: unknown): DiffTextLine[] | undefined {
  if (typeof args !== "object" || args === null) return undefined;
  const { edits } = args as { edits?: unknown };
  const list = Array.isArray(edits) ? edits : [args];
  const lines = list.flatMap((edit) => {
    const { old_text, new_text, old_string, new_string } = (edit ?? {}) as Record<string, unknown>;
    return [...linesOf("removed", old_text ?? old_string), ...linesOf("added", new_text ?? new_string)];
  });
  return lines.length === 0 || lines.length > DIFF_LINES_MAX ? undefined : lines;
}

function linesOf(kind: "added" | "removed", text: unknown): DiffTextLine[] {
  if (typeof text !== "string" || text === "") return [];
  const sign = kind === "added" ? "+" : "-";
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => ({ kind, text: sign + line }));
}

/** Each line in its color; its sign says the same. */
export function DiffText({ lines, query }: { lines: readonly DiffTextLine[]; query: string }) {
  return (
    <>
      {lines.map(({ kind, text }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines of one text, which change together.
        <span key={index} className={`diff-text diff-text-${kind}`}>
          <MarkedText text={text} query={query} />
        </span>
      ))}
    </>
  );
}
