import { z } from "zod";
import { RowId, UserId, WorkItemKey, WorkspaceKey } from "../ids.ts";
import {
  DESCRIPTION_BYTES_MAX,
  FILTER_VALUES_MAX,
  INSTRUCTIONS_CHARS_MAX,
  ITEM_LABELS_MAX,
  MODEL_CHARS_MAX,
  SEARCH_CHARS_MAX,
  TITLE_CHARS_MAX,
} from "../limits.ts";
import { RunPhase, RunReason, RunStatus } from "../run.ts";
import { lineOfText, longText } from "../text.ts";
import { Label } from "./label.ts";
import { UserRef } from "./user.ts";

export const WorkItemStatus = z.enum(["todo", "in_progress", "in_review", "done", "canceled"]);
export type WorkItemStatus = z.infer<typeof WorkItemStatus>;

/** Least first. */
export const Priority = z.enum(["none", "low", "medium", "high", "urgent"]);
export type Priority = z.infer<typeof Priority>;

/** Something elsewhere that belongs to a work item, such as its pull request. */
export const ItemLink = z.object({
  kind: z.string(),
  url: z.string(),
  title: z.string(),
  run_id: z.int().nullable(),
  created_at: z.iso.datetime(),
});
export type ItemLink = z.infer<typeof ItemLink>;

/** An item where another one or a page names it. */
export const ItemRef = z.object({ key: WorkItemKey, title: z.string(), status: WorkItemStatus });
export type ItemRef = z.infer<typeof ItemRef>;

export const WorkItem = z.object({
  id: z.int(),
  key: WorkItemKey,
  workspace: WorkspaceKey,
  title: z.string(),
  status: WorkItemStatus,
  priority: Priority,
  /** By name. */
  labels: z.array(Label),
  assignee: UserRef.nullable(),
  creator: UserRef,
  parent: ItemRef.nullable(),
  children_count: z.int(),
  /** Those that are `done` or `canceled`. */
  children_done_count: z.int(),
  /** The newest run that has not ended; `reason` says what one waits for, and is left out by servers of before. */
  active_run: z
    .object({
      id: z.int(),
      status: RunStatus,
      phase: RunPhase.nullable(),
      reason: RunReason.nullable().optional(),
    })
    .nullable(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});
export type WorkItem = z.infer<typeof WorkItem>;

/** A work item with all that is read on its own page. `description` is Markdown. */
export const WorkItemDetail = WorkItem.extend({
  description: z.string(),
  links: z.array(ItemLink),
  comments_count: z.int(),
  /** The first CHILDREN_SHOWN_MAX, oldest first; `children_count` tells of all. */
  children: z.array(ItemRef.extend({ assignee: UserRef.nullable() })),
  /** By title. */
  linked_pages: z.array(z.object({ id: z.int(), title: z.string() })),
  /** Whether the caller is told of what happens to it; false for a run. */
  following: z.boolean(),
});
export type WorkItemDetail = z.infer<typeof WorkItemDetail>;

/** What a person may say beside the assignment to an agent, for this one run. What is left out is as the binding says. */
export const RunWish = z.strictObject({
  instruction: longText(INSTRUCTIONS_CHARS_MAX).optional(),
  model: lineOfText(MODEL_CHARS_MAX).optional(),
  /** A branch of the binding's repository. */
  base_branch: lineOfText(255).optional(),
});
export type RunWish = z.infer<typeof RunWish>;

const LabelIds = z.array(RowId).max(ITEM_LABELS_MAX);

export const NewWorkItem = z.strictObject({
  title: lineOfText(TITLE_CHARS_MAX),
  description: longText(DESCRIPTION_BYTES_MAX).default(""),
  status: WorkItemStatus.default("todo"),
  priority: Priority.default("none"),
  label_ids: LabelIds.default([]),
  parent_key: WorkItemKey.nullable().default(null),
  assignee_id: UserId.nullable().default(null),
  /** Only with an agent as assignee. */
  run: RunWish.optional(),
});
export type NewWorkItem = z.infer<typeof NewWorkItem>;

/**
 * Changes what it names. The agent of a run may change title, description, priority and labels of its own item, and its
 * status to `in_progress` or `in_review`.
 */
export const WorkItemPatch = z.strictObject({
  title: lineOfText(TITLE_CHARS_MAX).optional(),
  description: longText(DESCRIPTION_BYTES_MAX).optional(),
  status: WorkItemStatus.optional(),
  priority: Priority.optional(),
  /** All labels it has then. */
  label_ids: LabelIds.optional(),
  parent_key: WorkItemKey.nullable().optional(),
  assignee_id: UserId.nullable().optional(),
  /** Only with an agent as assignee: sets that agent to work, also when it is the assignee already. */
  run: RunWish.optional(),
  /**
   * `updated_at` of the text the writer had before them, for title and description: when somebody has changed either since,
   * the answer is 409 `conflict`, its details name the field and hold the text there is now.
   */
  expected_updated_at: z.iso.datetime().optional(),
});
export type WorkItemPatch = z.infer<typeof WorkItemPatch>;

/** In the order that was asked for. `next_before` is the `before` of the next page, null at the end. */
export const WorkItemPage = z.object({ items: z.array(WorkItem), next_before: z.string().nullable() });
export type WorkItemPage = z.infer<typeof WorkItemPage>;

function valuesOf<T extends z.ZodType>(value: T) {
  return z.array(value).max(FILTER_VALUES_MAX);
}

export const ItemSort = z.enum(["updated", "created", "priority"]);
export type ItemSort = z.infer<typeof ItemSort>;

/**
 * Which items a list or a board shows. Several values of one field: any of them; several fields: all of them. In a query
 * a value is repeated: `status=todo&status=in_progress`.
 */
export const ItemQuery = z.strictObject({
  status: valuesOf(WorkItemStatus).optional(),
  /** Ids of users; `me` for the caller, `none` for nobody. */
  assignee: valuesOf(z.string().min(1).max(64)).optional(),
  creator: valuesOf(z.string().min(1).max(64)).optional(),
  /** Ids of labels; `none` for items without any. */
  label: valuesOf(z.string().regex(/^(none|[1-9][0-9]{0,8})$/, "the id of a label, or none")).optional(),
  priority: valuesOf(Priority).optional(),
  /** Keys of items; `none` for those that lie under no other. */
  parent: valuesOf(z.union([z.literal("none"), WorkItemKey])).optional(),
  /** Searched for in title, key and description, in any case of letters. */
  q: z.string().max(SEARCH_CHARS_MAX).optional(),
  /** `created` by default. */
  sort: ItemSort.optional(),
  /** `desc` by default: newest, or most urgent, first. */
  order: z.enum(["asc", "desc"]).optional(),
});
export type ItemQuery = z.infer<typeof ItemQuery>;

/** How many items of each status a query finds; its own `status` does not count. For the columns of a board. */
export const ItemCounts = z.object({ counts: z.record(WorkItemStatus, z.int()) });
export type ItemCounts = z.infer<typeof ItemCounts>;

/** What a live list hears: keys of items that are new, changed or gone; `all` when they were too many to name, or labels changed. */
export const ItemChanges = z.union([
  z.object({ keys: z.array(WorkItemKey) }),
  z.object({ all: z.literal(true) }),
]);
export type ItemChanges = z.infer<typeof ItemChanges>;
