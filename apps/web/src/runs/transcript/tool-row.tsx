import { IconChevronRight } from "@tabler/icons-react";
import { useMemo } from "react";
import { visibleText } from "../../parts/visible-text.ts";
import { DiffText, diffTextLines, editLines } from "./diff-text.tsx";
import { argsText, headlineOf, type ToolEntry } from "./entry.ts";
import { MarkedText, TerminalText } from "./marked-text.tsx";
import { terminalText } from "./terminal-text.ts";

/** Characters of a tool's arguments in its headline. */
const HEADLINE_CHARS = 240;
/** What a folded tool shows of its output: lines, more of a diff whose first ones only name a file, and characters of them. */
const PREVIEW_LINES = 5;
const PREVIEW_DIFF_LINES = 14;
const PREVIEW_CHARS = 1_000;
/** Lines of a running tool's output that are shown: its end. */
const LIVE_LINES = 8;

/** A call of a tool, folded to its headline and the first lines of its output. */
export function ToolRow(props: {
  entry: ToolEntry;
  open: boolean;
  live: boolean;
  toggle(): void;
  query: string;
}) {
  const { entry, open, live, toggle, query } = props;
  const running = entry.endId === 0;
  const failed = entry.exitCode !== undefined && entry.exitCode !== 0;
  return (
    <div className={`tool${failed ? " tool-failed" : ""}`}>
      <button type="button" className="tool-head" aria-expanded={open} onClick={toggle}>
        <IconChevronRight size={14} className="tool-fold" aria-hidden />
        <span className="tool-name">{visibleText(entry.tool)}</span>
        <code className="tool-line">
          <MarkedText text={headlineOf(entry.args).slice(0, HEADLINE_CHARS)} query={query} />
        </code>
        <span className="tool-state">{stateOf(entry, live)}</span>
      </button>
      {open ? (
        <ToolBody entry={entry} live={live} query={query} />
      ) : (
        <Preview text={running ? lastLines(entry.output) : entry.output} query={query} live={running} />
      )}
    </div>
  );
}

function ToolBody({ entry, live, query }: { entry: ToolEntry; live: boolean; query: string }) {
  const edits = useMemo(() => editLines(entry.args), [entry.args]);
  const args = argsText(entry.args);
  return (
    <>
      {args !== "" && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard.
        <pre className="tool-args" tabIndex={0}>
          {edits === undefined ? (
            <MarkedText text={args} query={query} />
          ) : (
            <>
              <MarkedText text={`${headlineOf(entry.args)}\n`} query={query} />
              <DiffText lines={edits} query={query} />
            </>
          )}
        </pre>
      )}
      {entry.output !== "" && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard.
        <pre className="tool-output" tabIndex={0}>
          <Output text={entry.output} query={query} />
        </pre>
      )}
      {entry.output === "" && (
        <p className="tool-more">{live && entry.endId === 0 ? "No output yet." : "No output."}</p>
      )}
      {entry.truncated && (
        <p className="tool-more">The tool printed more than this; the agent saw this part.</p>
      )}
    </>
  );
}

function Preview({ text, query, live }: { text: string; query: string; live: boolean }) {
  if (text === "") return null;
  const lines = /^diff --git /m.test(text) ? PREVIEW_DIFF_LINES : PREVIEW_LINES;
  const shown = live ? text : text.split("\n", lines).join("\n").slice(0, PREVIEW_CHARS);
  const left = live ? 0 : countLines(text) - countLines(shown);
  const more = left > 0 ? `${left} more ${left === 1 ? "line" : "lines"}` : "more";
  return (
    <>
      <pre className={live ? "tool-preview tool-live" : "tool-preview"}>
        <Output text={shown} query={query} />
      </pre>
      {shown.length < text.trimEnd().length && <p className="tool-more">… {more}</p>}
    </>
  );
}

function Output({ text, query }: { text: string; query: string }) {
  const lines = useMemo(() => diffTextLines(terminalText(text)), [text]);
  return lines === undefined ? (
    <TerminalText text={text} query={query} />
  ) : (
    <DiffText lines={lines} query={query} />
  );
}

function lastLines(text: string): string {
  return text.trimEnd().split("\n").slice(-LIVE_LINES).join("\n");
}

function countLines(text: string): number {
  return text.trimEnd().split("\n").length;
}

/** A tool without a result runs, or was ended with the run, or its result stands further down. */
function stateOf({ endId, exitCode, durationMs }: ToolEntry, live: boolean): string {
  if (endId === 0) return live ? "running" : "no result here";
  const took = durationMs === undefined ? "" : shortDuration(durationMs);
  if (exitCode === undefined || exitCode === 0) return took;
  return [`exit ${exitCode}`, took].filter((part) => part !== "").join(" · ");
}

function shortDuration(ms: number): string {
  return ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
