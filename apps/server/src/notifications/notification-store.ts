import { type Notification, NotificationKind } from "@windshift/contract/api/notification.ts";
import { UserKind } from "@windshift/contract/api/user.ts";
import { NOTIFICATIONS_MAX } from "@windshift/contract/limits.ts";
import { afterCommit } from "../db/after-commit.ts";
import type { Database, Queries } from "../db/database.ts";
import { isoTime } from "../http/json.ts";

export interface News {
  kind: NotificationKind;
  workspaceId: number;
  workItemId: number;
  /** Who did it, and so is not told; null for what the server itself saw. */
  actorId: string | null;
  text: string;
  runId?: number | null;
  commentId?: number | null;
  pullRequestId?: number | null;
}

/** Tells those of `userIds` who are people of the workspace, each once, and not who did it. Hidden items tell nobody. */
export async function notify(
  database: Database,
  tx: Queries,
  userIds: readonly string[],
  news: News,
): Promise<void> {
  const wanted = [...new Set(userIds)].filter((id) => id !== news.actorId);
  if (wanted.length === 0) return;
  const people = await tx
    .selectFrom("memberships")
    .innerJoin("user", "user.id", "memberships.user_id")
    .innerJoin("work_items", "work_items.workspace_id", "memberships.workspace_id")
    .select("user.id")
    .where("memberships.workspace_id", "=", news.workspaceId)
    .where("memberships.user_id", "in", wanted)
    .where("user.kind", "=", "person")
    .where("work_items.id", "=", news.workItemId)
    .where("work_items.hidden", "=", 0)
    .orderBy("user.id")
    .execute();
  if (people.length === 0) return;
  const row = {
    workspace_id: news.workspaceId,
    work_item_id: news.workItemId,
    kind: news.kind,
    actor_id: news.actorId,
    text: news.text,
    run_id: news.runId ?? null,
    comment_id: news.commentId ?? null,
    pull_request_id: news.pullRequestId ?? null,
    created_at_ms: Date.now(),
  };
  await tx
    .insertInto("notifications")
    .values(people.map(({ id }) => ({ ...row, user_id: id })))
    .execute();
  for (const { id } of people) afterCommit(tx, () => void told(database, id));
}

/**
 * Wakes who is told and lets go of what they were told long ago: each by itself, so that two transactions that tell the same
 * people never wait for each other. What is not let go now is so with the next.
 */
async function told(database: Database, userId: string): Promise<void> {
  await database.signals.notify(`user:${userId}`);
  await dropOld(database.kysely, userId).catch(() => {});
}

async function dropOld(db: Queries, userId: string): Promise<void> {
  await db
    .deleteFrom("notifications")
    .where("user_id", "=", userId)
    .where("id", "<=", (eb) =>
      eb
        .selectFrom("notifications")
        .select("id")
        .where("user_id", "=", userId)
        .orderBy("id", "desc")
        .limit(1)
        .offset(NOTIFICATIONS_MAX),
    )
    .execute();
}

/** A person's own, of workspaces they are in, of items that are there: what they may not see any more is not told. */
function ownNotifications(db: Queries, userId: string) {
  return db
    .selectFrom("notifications")
    .innerJoin("memberships", (join) =>
      join
        .onRef("memberships.workspace_id", "=", "notifications.workspace_id")
        .onRef("memberships.user_id", "=", "notifications.user_id"),
    )
    .where("notifications.user_id", "=", userId);
}

/** Newest first. */
export async function listNotifications(
  db: Queries,
  userId: string,
  page: { unread: boolean; before: number | undefined; limit: number },
): Promise<Notification[]> {
  let query = ownNotifications(db, userId)
    .innerJoin("work_items", "work_items.id", "notifications.work_item_id")
    .innerJoin("workspaces", "workspaces.id", "notifications.workspace_id")
    .leftJoin("user as actor", "actor.id", "notifications.actor_id")
    .select([
      "notifications.id",
      "notifications.kind",
      "notifications.text",
      "notifications.run_id",
      "notifications.comment_id",
      "notifications.pull_request_id",
      "notifications.read",
      "notifications.created_at_ms",
      "workspaces.key as workspace",
      "work_items.number",
      "work_items.title",
      "actor.id as actor_id",
      "actor.name as actor_name",
      "actor.kind as actor_kind",
    ]);
  if (page.unread) query = query.where("notifications.read", "=", 0);
  if (page.before !== undefined) query = query.where("notifications.id", "<", page.before);
  const rows = await query.orderBy("notifications.id", "desc").limit(page.limit).execute();
  return rows.map((row) => ({
    id: row.id,
    kind: NotificationKind.parse(row.kind),
    workspace: row.workspace,
    item: { key: `${row.workspace}-${row.number}`, title: row.title },
    actor:
      row.actor_id === null || row.actor_name === null
        ? null
        : { id: row.actor_id, name: row.actor_name, kind: UserKind.parse(row.actor_kind) },
    text: row.text,
    run_id: row.run_id,
    comment_id: row.comment_id,
    pull_request_id: row.pull_request_id,
    read: row.read === 1,
    created_at: isoTime(row.created_at_ms),
  }));
}

/** Of a person's notifications that they may still see. */
export async function countUnread(db: Queries, userId: string): Promise<number> {
  const { count } = await ownNotifications(db, userId)
    .where("notifications.read", "=", 0)
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  return count;
}

/** Marks a person's notifications as read: those named, or all up to one. Those of others are not touched. */
export async function markRead(
  db: Queries,
  userId: string,
  which: { ids: readonly number[] } | { upTo: number | undefined },
): Promise<void> {
  let query = db
    .updateTable("notifications")
    .set({ read: 1 })
    .where("user_id", "=", userId)
    .where("read", "=", 0);
  if ("ids" in which) query = query.where("id", "in", which.ids);
  else if (which.upTo !== undefined) query = query.where("id", "<=", which.upTo);
  await query.execute();
}
