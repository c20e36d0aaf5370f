import { z } from "zod";
import { WorkItemKey } from "../ids.ts";
import { RunReason, RunStatus } from "../run.ts";
import { Label } from "./label.ts";
import { UserRef } from "./user.ts";
import { Priority, WorkItemStatus } from "./work-item.ts";

const LinkedPage = z.object({ id: z.int(), title: z.string() });
const ParentRef = z.object({ key: WorkItemKey, title: z.string() });
/** `url` is its page on the forge; null for one of the server's own, at /pull-requests/{id}. */
const PullRef = z.object({ id: z.int(), number: z.int(), title: z.string(), url: z.string().nullable() });
function fromTo<K extends string, T extends z.ZodType>(kind: K, value: T) {
  return z.object({ kind: z.literal(kind), from: value, to: value });
}

/** What happened to an item, with names as they were then. */
export const Change = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("created") }),
  fromTo("title", z.string()),
  z.object({ kind: z.literal("description") }),
  fromTo("status", WorkItemStatus),
  fromTo("priority", Priority),
  fromTo("assignee", UserRef.nullable()),
  fromTo("parent", ParentRef.nullable()),
  z.object({ kind: z.literal("label_added"), label: Label }),
  z.object({ kind: z.literal("label_removed"), label: Label }),
  z.object({ kind: z.literal("page_linked"), page: LinkedPage }),
  z.object({ kind: z.literal("page_unlinked"), page: LinkedPage }),
  z.object({ kind: z.literal("comment"), comment_id: z.int() }),
  z.object({ kind: z.literal("comment_deleted") }),
  z.object({ kind: z.literal("run_queued"), agent: UserRef }),
  z.object({ kind: z.literal("run_ended"), agent: UserRef, status: RunStatus, reason: RunReason.nullable() }),
  z.object({ kind: z.literal("pull_request_opened"), pull_request: PullRef }),
  z.object({ kind: z.literal("pull_request_merged"), pull_request: PullRef }),
  z.object({ kind: z.literal("pull_request_closed"), pull_request: PullRef }),
  z.object({ kind: z.literal("pull_request_reopened"), pull_request: PullRef }),
]);
export type Change = z.infer<typeof Change>;

export const Activity = z.object({
  id: z.int(),
  item: z.object({ key: WorkItemKey, title: z.string() }),
  /** Null when the server itself saw it, on a forge for instance. */
  actor: UserRef.nullable(),
  /** The run it happened in or is about. */
  run_id: z.int().nullable(),
  change: Change,
  created_at: z.iso.datetime(),
});
export type Activity = z.infer<typeof Activity>;

/** Newest first. `next_before` is the `before` of the next page, null at the end. */
export const ActivityPage = z.object({ activity: z.array(Activity), next_before: z.int().nullable() });
export type ActivityPage = z.infer<typeof ActivityPage>;
