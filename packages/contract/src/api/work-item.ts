import { z } from "zod";
import { UserId, WorkItemKey, WorkspaceKey } from "../ids.ts";
import { DESCRIPTION_BYTES_MAX, TITLE_CHARS_MAX } from "../limits.ts";
import { lineOfText, longText } from "../text.ts";
import { UserRef } from "./user.ts";

export const WorkItemStatus = z.enum(["todo", "in_progress", "in_review", "done", "canceled"]);
export type WorkItemStatus = z.infer<typeof WorkItemStatus>;

/** Something elsewhere that belongs to a work item, such as its pull request. */
export const ItemLink = z.object({
  kind: z.string(),
  url: z.string(),
  title: z.string(),
  run_id: z.int().nullable(),
  created_at: z.iso.datetime(),
});
export type ItemLink = z.infer<typeof ItemLink>;

export const WorkItem = z.object({
  id: z.int(),
  key: WorkItemKey,
  workspace: WorkspaceKey,
  title: z.string(),
  status: WorkItemStatus,
  assignee: UserRef.nullable(),
  creator: UserRef,
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});
export type WorkItem = z.infer<typeof WorkItem>;

/** A work item with all that is read on its own page. `description` is Markdown. */
export const WorkItemDetail = WorkItem.extend({
  description: z.string(),
  links: z.array(ItemLink),
  comments_count: z.int(),
});
export type WorkItemDetail = z.infer<typeof WorkItemDetail>;

export const NewWorkItem = z.strictObject({
  title: lineOfText(TITLE_CHARS_MAX),
  description: longText(DESCRIPTION_BYTES_MAX).default(""),
  status: WorkItemStatus.default("todo"),
  assignee_id: UserId.nullable().default(null),
});
export type NewWorkItem = z.infer<typeof NewWorkItem>;

export const WorkItemPatch = z.strictObject({
  title: lineOfText(TITLE_CHARS_MAX).optional(),
  description: longText(DESCRIPTION_BYTES_MAX).optional(),
  status: WorkItemStatus.optional(),
  assignee_id: UserId.nullable().optional(),
});
export type WorkItemPatch = z.infer<typeof WorkItemPatch>;

/** Newest first. `next_before` is the `before` of the next page, null at the end. */
export const WorkItemPage = z.object({ items: z.array(WorkItem), next_before: z.int().nullable() });
export type WorkItemPage = z.infer<typeof WorkItemPage>;
