import { Button } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import {
  type RefObject,
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { EntryRow } from "./entry-row.tsx";
import type { TranscriptPages, TranscriptRow } from "./transcript-pages.ts";

/** Rows that are kept beyond what is seen, on both sides. */
const OVERSCAN = 8;
/** Nearer to its end than this the list counts as at its end, px, and follows what comes. */
const END_PX = 40;
/** About how high an event of a page is that is not loaded, px. */
const EVENT_PX = 26;
/** How much of the window's height the list has about, for the first drawing, which is before it could be measured. */
const FIRST_HEIGHT = 0.7;
/** How long the row that a search led to stays marked, ms. */
const FOUND_MS = 3_000;

export interface TranscriptPlace {
  toStart(): void;
  toEnd(): void;
  /** Shows the row of that name in the middle. */
  toRow(key: string): void;
}

/**
 * The rows of a transcript, of which only those in sight are in the page. What is in sight stays where it is while pages before
 * it are loaded; at the end it follows what comes, until somebody scrolls up.
 */
export function TranscriptList(props: {
  pages: TranscriptPages;
  label: string;
  query: string;
  opensAtEnd: boolean;
  live: boolean;
  place: RefObject<TranscriptPlace | null>;
  /** Told when the end comes into or goes out of sight. */
  onEnd(atEnd: boolean): void;
}) {
  const { pages, label, query, opensAtEnd, live, place, onEnd } = props;
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [found, setFound] = useState<string>();
  const scroller = useRef<HTMLElement>(null);
  const { version } = pages;
  const virtual = useVirtualizer<HTMLElement, HTMLDivElement>({
    count: pages.rows,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => estimate(pages.row(index)),
    // biome-ignore lint/correctness/useExhaustiveDependencies: rows change their places with each version.
    getItemKey: useCallback((index: number) => pages.row(index)?.key ?? index, [pages, version]),
    overscan: OVERSCAN,
    initialOffset: opensAtEnd ? Number.MAX_SAFE_INTEGER : 0,
    initialRect: { width: 0, height: window.innerHeight * FIRST_HEIGHT },
    anchorTo: "end",
    followOnAppend: true,
    scrollEndThreshold: END_PX,
    directDomUpdates: true,
    directDomUpdatesMode: "position",
  });
  const items = virtual.getVirtualItems();
  // Without those beyond what is seen: each of them may stand for a whole page.
  const first = virtual.range?.startIndex;
  const last = virtual.range?.endIndex;
  // biome-ignore lint/correctness/useExhaustiveDependencies: with each version other rows stand at these places.
  useEffect(() => {
    if (first !== undefined && last !== undefined) pages.need(first, last);
  }, [pages, first, last, version]);
  useFirstPlace(opensAtEnd && pages.opened && pages.rows > 0, () => virtual.scrollToEnd());
  useImperativeHandle(place, () => ({
    toStart: () => virtual.scrollToOffset(0),
    toEnd: () => virtual.scrollToEnd(),
    toRow: (key) => {
      const index = pages.indexOf(key);
      if (index === undefined) return;
      setFound(key);
      virtual.scrollToIndex(index, { align: "center" });
    },
  }));
  useEffect(() => {
    if (found === undefined) return;
    const timer = setTimeout(() => setFound(undefined), FOUND_MS);
    return () => clearTimeout(timer);
  }, [found]);
  const toggle = useCallback((name: string) => {
    setOpen((before) => {
      const after = new Set(before);
      if (!after.delete(name)) after.add(name);
      return after;
    });
  }, []);
  return (
    <section
      ref={scroller}
      className="transcript-rows"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard.
      tabIndex={0}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) =>
        onEnd(scrollHeight - scrollTop - clientHeight <= END_PX)
      }
    >
      <div ref={virtual.containerRef} className="transcript-sheet">
        {items.map(({ index, key }) => {
          const row = pages.row(index);
          if (row === undefined) return null;
          return (
            <div
              key={key}
              ref={virtual.measureElement}
              data-index={index}
              className={`transcript-row${row.key === found ? " transcript-found" : ""}`}
            >
              {row.kind === "gap" ? (
                <Gap row={row} retry={() => pages.retry(row.page)} />
              ) : (
                <EntryRow
                  entry={row.entry}
                  name={row.key}
                  open={open.has(row.key)}
                  live={live && row.last}
                  onToggle={toggle}
                  query={query}
                />
              )}
            </div>
          );
        })}
      </div>
    </section>
  );
}

/** Goes to the end once, when there is something. */
function useFirstPlace(ready: boolean, go: () => void): void {
  const done = useRef(false);
  useLayoutEffect(() => {
    if (!ready || done.current) return;
    done.current = true;
    go();
  });
}

/** Stands for events that are not loaded, about as high as they will be. */
function Gap({ row, retry }: { row: Extract<TranscriptRow, { kind: "gap" }>; retry(): void }) {
  return (
    <div className="transcript-gap" style={{ height: row.events * EVENT_PX }}>
      {row.failed ? (
        <Button size="compact-sm" variant="default" onClick={retry}>
          {row.events} events could not be read; try again
        </Button>
      ) : (
        <span>Loading {row.events} events…</span>
      )}
    </div>
  );
}

/** Heights until a row was seen, px. */
function estimate(row: TranscriptRow | undefined): number {
  if (row === undefined) return EVENT_PX;
  if (row.kind === "gap") return row.events * EVENT_PX;
  const { entry } = row;
  if (entry.kind === "tool") return 44 + Math.min(5, entry.output.split("\n", 6).length) * 19;
  return 10 + Math.ceil(entry.text.length / 110) * 20;
}
