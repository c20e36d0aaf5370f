import { memo, type ReactNode, useMemo } from "react";
import { visibleText } from "../../parts/visible-text.ts";
import { terminalSpans } from "./terminal-text.ts";

/** Places of a search that are marked in one row; each is an element of the page. */
const MARKS_MAX = 300;

/** Text with what was searched for marked. Nothing in it is ever more than text. */
export function MarkedText({ text, query }: { text: string; query: string }) {
  return <>{markedParts(visibleText(text), query)}</>;
}

/** What a program printed for a terminal, in its colors. */
export const TerminalText = memo(function TerminalText({ text, query }: { text: string; query: string }) {
  const spans = useMemo(() => terminalSpans(text), [text]);
  return (
    <>
      {spans.map((span, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: spans of one text, which change together.
        <span key={index} className={span.look}>
          {markedParts(span.text, query)}
        </span>
      ))}
    </>
  );
});

function markedParts(text: string, query: string): ReactNode {
  if (query === "") return text;
  const parts: ReactNode[] = [];
  const lower = text.toLowerCase();
  // A letter that changes its length in lower case would shift all that follows: such a text is not marked.
  if (lower.length !== text.length) return text;
  const wanted = query.toLowerCase();
  let from = 0;
  for (let marks = 0; marks < MARKS_MAX; marks++) {
    const at = lower.indexOf(wanted, from);
    if (at === -1) break;
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + wanted.length)}</mark>);
    from = at + wanted.length;
  }
  parts.push(text.slice(from));
  return parts;
}
