import { z } from "zod";
import { RowId, WorkItemKey, WorkspaceKey } from "../ids.ts";
import { UserRef } from "./user.ts";

/**
 * `run_waiting`: a run asks a question or has used its budget; `pull_request`: one was opened, merged or closed. Nobody is
 * told of what they did themselves.
 */
export const NotificationKind = z.enum([
  "mentioned",
  "assigned",
  "commented",
  "run_ended",
  "run_waiting",
  "pull_request",
]);
export type NotificationKind = z.infer<typeof NotificationKind>;

export const Notification = z.object({
  id: z.int(),
  kind: NotificationKind,
  workspace: WorkspaceKey,
  item: z.object({ key: WorkItemKey, title: z.string() }),
  /** Who did it; null when the server itself saw it. */
  actor: UserRef.nullable(),
  /** One sentence or the start of a comment, plain text. */
  text: z.string(),
  run_id: z.int().nullable(),
  comment_id: z.int().nullable(),
  pull_request_id: z.int().nullable(),
  read: z.boolean(),
  created_at: z.iso.datetime(),
});
export type Notification = z.infer<typeof Notification>;

/** Newest first. `next_before` is the `before` of the next page, null at the end; `unread` counts all of the caller's. */
export const NotificationPage = z.object({
  notifications: z.array(Notification),
  unread: z.int(),
  next_before: z.int().nullable(),
});
export type NotificationPage = z.infer<typeof NotificationPage>;

/** Either some, or all up to and with an id, so that what came since stays unread. */
export const ReadNotifications = z.union([
  z.strictObject({ ids: z.array(RowId).min(1).max(200) }),
  z.strictObject({ all: z.literal(true), up_to: RowId.optional() }),
]);
export type ReadNotifications = z.infer<typeof ReadNotifications>;

/** What the live stream sends: the count, and the newest notification when there is one. */
export const NotificationNews = z.object({ unread: z.int(), newest: Notification.nullable() });
export type NotificationNews = z.infer<typeof NotificationNews>;

export const Following = z.object({ following: z.boolean() });
export type Following = z.infer<typeof Following>;
