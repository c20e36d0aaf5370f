import type { Priority, WorkItemStatus } from "@windshift/contract/api/work-item.ts";

export const STATUS_TEXT: Record<WorkItemStatus, string> = {
  todo: "To do",
  in_progress: "In progress",
  in_review: "In review",
  done: "Done",
  canceled: "Canceled",
};

/** In the order people look for them: the most urgent first, none last. */
export const PRIORITY_TEXT: Record<Priority, string> = {
  urgent: "Urgent",
  high: "High",
  medium: "Medium",
  low: "Low",
  none: "No priority",
};
