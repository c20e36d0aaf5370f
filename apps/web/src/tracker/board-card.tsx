import { ActionIcon, Menu } from "@mantine/core";
import { IconArrowsMove } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { WorkItem, WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { PersonName } from "../parts/person-name.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { ActiveRun } from "./active-run.tsx";
import { STATUS_CHOICES } from "./item-choices.tsx";
import { LabelChip } from "./label-chip.tsx";
import { PriorityIcon } from "./priority-icon.tsx";

/** The card that is under the pointer while it is dragged; browsers tell nothing of it before it is dropped. */
export const draggedItem: { current: WorkItem | undefined } = { current: undefined };

/** An item on a board: dragged by the pointer, or moved by its menu. */
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
    <Menu position="bottom-end" width={180}>
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="sm"
          aria-label={`Move ${item.key}`}
          className="card-move"
        >
          <IconArrowsMove size={14} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.RadioGroup value={item.status} onChange={(status) => onMove(item, status as WorkItemStatus)}>
          {STATUS_CHOICES.map(({ value, text, icon }) => (
            <Menu.RadioItem key={value} value={value} closeMenuOnClick>
              <span className="pick-option">
                {icon}
                {text}
              </span>
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
      </Menu.Dropdown>
    </Menu>
  );
}
