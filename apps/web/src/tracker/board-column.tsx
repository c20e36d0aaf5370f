import { ActionIcon } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { ItemQuery, WorkItem, WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { type DragEvent, useState } from "react";
import { MoreButton } from "../parts/more-button.tsx";
import { openOverlay } from "../shell/overlay.ts";
import { BoardCard, draggedItem } from "./board-card.tsx";
import { itemCountsQuery, itemListQuery, oneStatus } from "./item-queries.ts";
import { itemsOf } from "./item-shown.ts";
import { STATUS_TEXT } from "./item-words.ts";
import { StatusIcon } from "./status-icon.tsx";

/** One status of a board. Cards of others can be dropped on it. */
export function BoardColumn(props: {
  workspace: string;
  query: ItemQuery;
  status: WorkItemStatus;
  /** Undefined for who may not move anything. */
  onMove: ((item: WorkItem, status: WorkItemStatus) => void) | undefined;
}) {
  const { workspace, query, status, onMove } = props;
  const read = useInfiniteQuery(itemListQuery(workspace, oneStatus(query, status)));
  const count = useQuery(itemCountsQuery(workspace, query)).data?.counts[status];
  const [over, setOver] = useState(false);
  const items = itemsOf(read.data);
  if (read.error !== null && read.data === undefined) throw read.error;
  const dropping = {
    onDragOver: (event: DragEvent) => {
      if (draggedItem.current === undefined) return;
      event.preventDefault();
      setOver(true);
    },
    onDragLeave: (event: DragEvent) => {
      if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
    },
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      if (draggedItem.current !== undefined) onMove?.(draggedItem.current, status);
    },
  };
  return (
    <section
      className={over ? "board-column board-over" : "board-column"}
      aria-label={STATUS_TEXT[status]}
      data-column={status}
      {...(onMove === undefined ? {} : dropping)}
    >
      <header className="board-head">
        <h2>
          <StatusIcon status={status} />
          {STATUS_TEXT[status]} <span className="quiet">{count ?? ""}</span>
        </h2>
        {onMove !== undefined && (
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            onClick={() => openOverlay({ kind: "new-item", workspace, status })}
            aria-label={`New item in ${STATUS_TEXT[status]}`}
          >
            <IconPlus size={14} aria-hidden />
          </ActionIcon>
        )}
      </header>
      <ul className="board-cards">
        {items.map((item) => (
          <li key={item.key}>
            <BoardCard item={item} onMove={onMove} />
          </li>
        ))}
      </ul>
      {items.length === 0 && !read.isPending && <p className="quiet board-empty">Nothing here.</p>}
      <MoreButton list={read}>Show more</MoreButton>
    </section>
  );
}
