import { Button } from "@mantine/core";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import type { WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useShortcuts } from "../shell/shortcuts.ts";
import { ItemRow } from "./item-row.tsx";
import { STATUS_TEXT } from "./item-words.ts";
import { StatusIcon } from "./status-icon.tsx";
import type { Line } from "./use-item-lines.ts";

/** Height of a line before it was measured, px. */
const LINE_PX = 37;
/** Lines kept above and below what is seen. */
const OVERSCAN = 12;

/** Lines of items, of which only those in sight are in the page; the keyboard walks through all of them. */
export function ItemList(props: {
  label: string;
  lines: readonly Line[];
  picked: ReadonlySet<string>;
  /** Undefined where nothing can be changed. */
  onPick: ((key: string) => void) | undefined;
  onFold(status: WorkItemStatus): void;
}) {
  const { label, lines, picked, onPick, onFold } = props;
  const list = useRef<HTMLUListElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => setTop(list.current?.offsetTop ?? 0), []);
  const virtual = useWindowVirtualizer({
    count: lines.length,
    estimateSize: () => LINE_PX,
    overscan: OVERSCAN,
    scrollMargin: top,
    getItemKey: (index) => lines[index]?.id ?? index,
  });
  const active = useRef<string>(undefined);
  useListKeys(lines, active, (index) => virtual.scrollToIndex(index, { align: "auto" }), onPick);
  const shown = virtual.getVirtualItems();
  const lastIndex = shown.at(-1)?.index ?? -1;
  useEffect(() => {
    const line = lines[lastIndex];
    if (line?.kind === "more") line.load();
  }, [lines, lastIndex]);
  return (
    <ul
      ref={list}
      aria-label={label}
      className="item-list"
      style={{ height: virtual.getTotalSize(), position: "relative" }}
    >
      {shown.map((place) => {
        const line = lines[place.index];
        if (line === undefined) return null;
        return (
          <li
            key={place.key}
            ref={virtual.measureElement}
            data-index={place.index}
            className={`item-line item-line-${line.kind}`}
            style={{ transform: `translateY(${place.start - virtual.options.scrollMargin}px)` }}
          >
            {line.kind === "head" && <GroupHead line={line} onFold={onFold} />}
            {line.kind === "item" && (
              <ItemRow
                item={line.item}
                picked={onPick === undefined ? undefined : picked.has(line.item.key)}
                onPick={() => onPick?.(line.item.key)}
                onFocus={() => {
                  active.current = line.id;
                }}
              />
            )}
            {line.kind === "more" && (
              <Button variant="subtle" size="compact-sm" loading={line.busy} onClick={line.load}>
                Show more
              </Button>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function GroupHead(props: { line: Extract<Line, { kind: "head" }>; onFold(status: WorkItemStatus): void }) {
  const { status, count, open } = props.line;
  return (
    <h2 className="group-head">
      <button type="button" aria-expanded={open} onClick={() => props.onFold(status)}>
        {open ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden />}
        <StatusIcon status={status} />
        {STATUS_TEXT[status]}
        <span className="quiet">{count ?? ""}</span>
      </button>
    </h2>
  );
}

/** `j` and `k` move the focus from item to item, also to those that are not in the page yet; `x` picks. */
function useListKeys(
  lines: readonly Line[],
  active: { current: string | undefined },
  reveal: (index: number) => void,
  onPick: ((key: string) => void) | undefined,
): void {
  const move = (step: 1 | -1) => {
    const items = lines.flatMap((line, index) => (line.kind === "item" ? [{ id: line.id, index }] : []));
    const at = items.findIndex(({ id }) => id === active.current);
    const next = items[at < 0 ? 0 : Math.min(Math.max(at + step, 0), items.length - 1)];
    if (next === undefined) return;
    active.current = next.id;
    reveal(next.index);
    focusItem(next.id);
  };
  const group = "List";
  useShortcuts([
    { keys: "j", does: "Next item", group, run: () => move(1) },
    { keys: "k", does: "Previous item", group, run: () => move(-1) },
    {
      keys: "x",
      does: "Pick the item, to change several at once",
      group,
      run: () => active.current !== undefined && onPick?.(active.current),
    },
  ]);
}

/** Frames in which a line that was scrolled to must have been drawn. */
const FRAMES_MAX = 30;

function focusItem(key: string, frames = 0): void {
  const link = document.querySelector<HTMLElement>(`[data-item="${CSS.escape(key)}"]`);
  if (link !== null) link.focus({ preventScroll: false });
  else if (frames < FRAMES_MAX) requestAnimationFrame(() => focusItem(key, frames + 1));
}
