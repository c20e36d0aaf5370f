import { type Activity, Change } from "@windshift/contract/api/activity.ts";
import { UserKind } from "@windshift/contract/api/user.ts";
import type { Queries } from "../db/database.ts";
import { isoTime } from "../http/json.ts";

export interface NewActivity {
  workspaceId: number;
  workItemId: number;
  /** Null for what the server itself saw. */
  actorId: string | null;
  runId?: number | null;
  change: Change;
}

/** Notes what happened to items, in the order given. In the transaction of the change: neither is stored without the other. */
export async function recordActivity(tx: Queries, entries: readonly NewActivity[]): Promise<void> {
  if (entries.length === 0) return;
  const now = Date.now();
  await tx
    .insertInto("activity")
    .values(
      entries.map(({ workspaceId, workItemId, actorId, runId, change }) => ({
        workspace_id: workspaceId,
        work_item_id: workItemId,
        actor_id: actorId,
        run_id: runId ?? null,
        change: JSON.stringify(change),
        created_at_ms: now,
      })),
    )
    .execute();
}

/** Newest first: of one item, or of all that a workspace shows. */
export async function listActivity(
  db: Queries,
  of: { workItemId: number } | { workspaceId: number },
  page: { before: number | undefined; limit: number },
): Promise<Activity[]> {
  let query = db
    .selectFrom("activity")
    .innerJoin("work_items", "work_items.id", "activity.work_item_id")
    .innerJoin("workspaces", "workspaces.id", "work_items.workspace_id")
    .leftJoin("user", "user.id", "activity.actor_id")
    .select([
      "activity.id",
      "activity.run_id",
      "activity.change",
      "activity.created_at_ms",
      "work_items.number",
      "work_items.title",
      "workspaces.key as workspace",
      "user.id as actor_id",
      "user.name as actor_name",
      "user.kind as actor_kind",
    ]);
  query =
    "workItemId" in of
      ? query.where("activity.work_item_id", "=", of.workItemId)
      : query.where("activity.workspace_id", "=", of.workspaceId).where("work_items.hidden", "=", 0);
  if (page.before !== undefined) query = query.where("activity.id", "<", page.before);
  const rows = await query.orderBy("activity.id", "desc").limit(page.limit).execute();
  return rows.map((row) => ({
    id: row.id,
    item: { key: `${row.workspace}-${row.number}`, title: row.title },
    actor:
      row.actor_id === null || row.actor_name === null
        ? null
        : { id: row.actor_id, name: row.actor_name, kind: UserKind.parse(row.actor_kind) },
    run_id: row.run_id,
    change: Change.parse(JSON.parse(row.change)),
    created_at: isoTime(row.created_at_ms),
  }));
}
