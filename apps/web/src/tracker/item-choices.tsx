import { Priority, WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { PRIORITY_TEXT, STATUS_TEXT } from "./item-words.ts";
import type { Choice } from "./pick-menu.tsx";
import { PriorityIcon } from "./priority-icon.tsx";
import { StatusIcon } from "./status-icon.tsx";

export const STATUS_CHOICES: readonly Choice<WorkItemStatus>[] = WorkItemStatus.options.map((status) => ({
  value: status,
  text: STATUS_TEXT[status],
  icon: <StatusIcon status={status} />,
}));

/** The most urgent first, as people read them. */
export const PRIORITY_CHOICES: readonly Choice<Priority>[] = [...Priority.options]
  .reverse()
  .map((priority) => ({
    value: priority,
    text: PRIORITY_TEXT[priority],
    icon: <PriorityIcon priority={priority} />,
  }));
