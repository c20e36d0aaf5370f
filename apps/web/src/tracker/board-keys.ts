import { useQueryClient } from "@tanstack/react-query";
import { type ItemQuery, type WorkItem, WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { useShortcuts } from "../shell/shortcuts.ts";
import { findBoardItem } from "./board-items.ts";

/** `j k h l` walk over the cards of a board, `[` and `]` move the one that has the focus to the column beside. */
export function useBoardKeys(
  workspace: string,
  query: ItemQuery,
  onMove: ((item: WorkItem, status: WorkItemStatus) => void) | undefined,
): void {
  const client = useQueryClient();
  const shift = (step: 1 | -1) => {
    const key = focusedCard()?.dataset.item;
    if (key === undefined || onMove === undefined) return;
    const item = findBoardItem(client, workspace, query, key);
    if (item === undefined) return;
    const next = WorkItemStatus.options[WorkItemStatus.options.indexOf(item.status) + step];
    if (next === undefined) return;
    onMove(item, next);
    refocus(key);
  };
  const group = "Board";
  useShortcuts([
    { keys: "j", does: "Next card", group, run: () => walk(0, 1) },
    { keys: "k", does: "Previous card", group, run: () => walk(0, -1) },
    { keys: "l", does: "Column to the right", group, run: () => walk(1, 0) },
    { keys: "h", does: "Column to the left", group, run: () => walk(-1, 0) },
    ...(onMove === undefined
      ? []
      : [
          { keys: "]", does: "Move the card to the right", group, run: () => shift(1) },
          { keys: "[", does: "Move the card to the left", group, run: () => shift(-1) },
        ]),
  ]);
}

function focusedCard(): HTMLElement | undefined {
  const link = document.activeElement?.closest(".card")?.querySelector<HTMLElement>("[data-item]");
  return link ?? undefined;
}

/** Cards by column, as they stand on the screen. */
function grid(): HTMLElement[][] {
  return [...document.querySelectorAll("[data-column]")]
    .map((column) => [...column.querySelectorAll<HTMLElement>("[data-item]")])
    .filter((cards) => cards.length > 0);
}

function walk(columns: number, rows: number): void {
  const cards = grid();
  const from = focusedCard();
  const column = cards.findIndex((some) => from !== undefined && some.includes(from));
  if (column < 0 || from === undefined) {
    cards[0]?.[0]?.focus();
    return;
  }
  const row = cards[column]?.indexOf(from) ?? 0;
  const next = cards[column + columns] ?? [];
  next[Math.min(row + rows, next.length - 1)]?.focus();
}

/** Frames after which a moved card must stand in its new column. */
const FRAMES_MAX = 30;

/** The card is drawn anew in its new column, and the focus would be lost with the old one. */
function refocus(key: string, frames = 0): void {
  const card = document.querySelector<HTMLElement>(`[data-item="${CSS.escape(key)}"]`);
  if (card !== null && frames > 0) card.focus();
  if (frames < FRAMES_MAX && document.activeElement !== card)
    requestAnimationFrame(() => refocus(key, frames + 1));
  else if (frames === 0) requestAnimationFrame(() => refocus(key, 1));
}
