import { IconArrowsMove } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { WorkItem, WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { MenuButton } from "../parts/menu-button.tsx";
import { PersonName } from "../parts/person-name.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { ActiveRun } from "./active-run.tsx";
import { STATUS_CHOICES } from "./item-choices.tsx";
import { LabelChip } from "./label-chip.tsx";
import { choiceLines } from "./pick-menu.tsx";
import { PriorityIcon } from "./priority-icon.tsx";

/** The card that is under the pointer while it is dragged; browsers tell nothing of it before it is dropped. */
export const draggedItem: { current: WorkItem | undefined } = { current: undefined };

/** An item on a board: dragged by the pointer, carried by a finger (`touch-drag.ts`), or moved by its menu or keys. */
export function BoardCard(props: {
  item: WorkItem;
  onMove: ((item: WorkItem, status: WorkItemStatus) => void) | undefined;
}) {
  const { item, onMove } = props;
  return (
    <article
      className="card"
      aria-label={item.key}
      draggable={onMove !== undefined}
      onDragStart={(event) => {
        draggedItem.current = item;
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", item.key);
      }}
      onDragEnd={() => {
        draggedItem.current = undefined;
      }}
    >
      <div className="card-head">
        <span className="item-key">{item.key}</span>
        <PriorityIcon priority={item.priority} named />
        {onMove !== undefined && <MoveMenu item={item} onMove={onMove} />}
      </div>
      <Link to={paths.item(item.key)} className="card-title" draggable={false} data-item={item.key}>
        {visibleText(item.title)}
      </Link>
      <div className="card-facts">
        <ActiveRun run={item.active_run} />
        {item.labels.map((label) => (
          <LabelChip key={label.id} label={label} />
        ))}
        {item.children_count > 0 && (
          <span className="quiet" title="Sub-items that are done">
            {item.children_done_count}/{item.children_count}
          </span>
        )}
        {item.assignee !== null && (
          <span className="quiet card-assignee">
            <PersonName user={item.assignee} />
          </span>
        )}
      </div>
    </article>
  );
}

function MoveMenu(props: { item: WorkItem; onMove(item: WorkItem, status: WorkItemStatus): void }) {
  const { item, onMove } = props;
  return (
    <MenuButton
      label={`Move ${item.key}`}
      className="icon-button card-move"
      align="end"
      lines={() => choiceLines(STATUS_CHOICES, item.status, (status) => onMove(item, status))}
    >
      <IconArrowsMove size={14} aria-hidden />
    </MenuButton>
  );
}
