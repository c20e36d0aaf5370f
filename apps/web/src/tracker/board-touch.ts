import { useQueryClient } from "@tanstack/react-query";
import { type ItemQuery, type WorkItem, WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { type RefObject, useEffect, useRef } from "react";
import { findBoardItem } from "./board-items.ts";
import { STATUS_TEXT } from "./item-words.ts";
import { type CardHand, watchTouches } from "./touch-drag.ts";

/**
 * Cards of the board are carried to another column by a finger that rests on one first.
 * @param say told what happens, for those who do not see it
 */
export function useBoardTouch(
  board: RefObject<HTMLElement | null>,
  workspace: string,
  query: ItemQuery,
  onMove: ((item: WorkItem, status: WorkItemStatus) => void) | undefined,
  say: (words: string) => void,
): void {
  const client = useQueryClient();
  const hand: CardHand = {
    lifted: (card) => say(`${card} is lifted`),
    over: (card, column) =>
      say(column === undefined ? `${card} is over no column` : `${card} is over ${textOf(column)}`),
    dropped: (card, column) => {
      const item = findBoardItem(client, workspace, query, card);
      const status = WorkItemStatus.safeParse(column);
      if (item === undefined || !status.success || status.data === item.status)
        say(`${card} stays where it was`);
      else onMove?.(item, status.data);
    },
    kept: (card) => say(`${card} stays where it was`),
  };
  const now = useRef(hand);
  now.current = hand;
  const moves = onMove !== undefined;
  useEffect(() => {
    if (board.current === null || !moves) return;
    return watchTouches(board.current, {
      lifted: (card) => now.current.lifted(card),
      over: (card, column) => now.current.over(card, column),
      dropped: (card, column) => now.current.dropped(card, column),
      kept: (card) => now.current.kept(card),
    });
  }, [board, moves]);
}

function textOf(column: string): string {
  const status = WorkItemStatus.safeParse(column);
  return status.success ? STATUS_TEXT[status.data] : column;
}
