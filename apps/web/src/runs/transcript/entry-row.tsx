import { memo } from "react";
import { nameExactTime } from "../../parts/time-text.tsx";
import { visibleText } from "../../parts/visible-text.ts";
import type { Entry, LineEntry } from "./entry.ts";
import { MarkedText, TerminalText } from "./marked-text.tsx";
import { ToolRow } from "./tool-row.tsx";

/** One row of a transcript. Rows that did not change are not made anew. */
export const EntryRow = memo(function EntryRow(props: {
  entry: Entry;
  name: string;
  open: boolean;
  /** Whether something may still come to it. */
  live: boolean;
  /** Given the row's name, so that it is the same for all rows. */
  onToggle(name: string): void;
  query: string;
}) {
  const { entry, name, open, live, onToggle, query } = props;
  switch (entry.kind) {
    case "tool":
      return <ToolRow entry={entry} open={open} live={live} toggle={() => onToggle(name)} query={query} />;
    case "said":
      return (
        <div className="entry-said">
          <MarkedText text={entry.text} query={query} />
        </div>
      );
    case "printed":
    case "error_output":
      return (
        <div className={`entry-${entry.kind}`}>
          <TerminalText text={entry.text.replace(/\n$/, "")} query={query} />
        </div>
      );
    default:
      return <Line entry={entry} query={query} />;
  }
});

function Line({ entry, query }: { entry: LineEntry; query: string }) {
  const { kind, text, label, at } = entry;
  const time = new Date(at);
  return (
    <div className={`entry-${kind}`}>
      <span>
        {label !== "" && <strong>{visibleText(label)}: </strong>}
        <MarkedText text={text} query={query} />
      </span>
      {(kind === "phase" || kind === "attempt") && (
        <time dateTime={at} onPointerEnter={nameExactTime}>
          {time.toLocaleTimeString()}
        </time>
      )}
    </div>
  );
}
