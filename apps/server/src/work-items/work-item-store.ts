import { UserKind, type UserRef } from "@windshift/contract/api/user.ts";
import { type NewWorkItem, type WorkItem, WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { assert } from "@windshift/contract/app-error.ts";
import { WorkItemKey } from "@windshift/contract/ids.ts";
import type { Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import type { Scope } from "../http/access.ts";
import { isoTime } from "../http/json.ts";

/** Scope of paths with an `{item}`. */
export const workItemScope: Scope = async (db, params) => {
  const key = WorkItemKey.safeParse(params.item);
  if (!key.success) return undefined;
  const [workspace = "", number] = key.data.split("-");
  const row = await db
    .selectFrom("work_items")
    .innerJoin("workspaces", "workspaces.id", "work_items.workspace_id")
    .select(["work_items.id", "work_items.workspace_id"])
    .where("workspaces.key", "=", workspace)
    .where("work_items.number", "=", Number(number))
    .executeTakeFirst();
  return row && { workspaceId: row.workspace_id, workItemId: row.id };
};

/** Everything of an item that lists show; `description` only where one item is read. */
function selectItems(db: Queries) {
  return db
    .selectFrom("work_items")
    .innerJoin("workspaces", "workspaces.id", "work_items.workspace_id")
    .innerJoin("user as creator", "creator.id", "work_items.creator_id")
    .leftJoin("user as assignee", "assignee.id", "work_items.assignee_id")
    .select([
      "work_items.id",
      "work_items.number",
      "work_items.title",
      "work_items.status",
      "work_items.created_at_ms",
      "work_items.updated_at_ms",
      "workspaces.key as workspace",
      "creator.id as creator_id",
      "creator.name as creator_name",
      "creator.kind as creator_kind",
      "assignee.id as assignee_id",
      "assignee.name as assignee_name",
      "assignee.kind as assignee_kind",
    ]);
}

type ItemRow = NonNullable<Awaited<ReturnType<ReturnType<typeof selectItems>["executeTakeFirst"]>>>;

export async function getWorkItem(
  db: Queries,
  id: number,
): Promise<{ item: WorkItem; description: string; workspaceId: number }> {
  const row = await selectItems(db)
    .select(["work_items.description", "work_items.workspace_id"])
    .where("work_items.id", "=", id)
    .executeTakeFirstOrThrow();
  return { item: toWorkItem(row), description: row.description, workspaceId: row.workspace_id };
}

export interface ItemFilter {
  status?: WorkItemStatus | undefined;
  assigneeId?: string | undefined;
  /** Only items numbered below. */
  before?: number | undefined;
  limit: number;
}

/** Newest first. */
export async function listWorkItems(
  db: Queries,
  workspaceId: number,
  filter: ItemFilter,
): Promise<WorkItem[]> {
  let query = selectItems(db).where("work_items.workspace_id", "=", workspaceId);
  if (filter.status !== undefined) query = query.where("work_items.status", "=", filter.status);
  if (filter.assigneeId !== undefined) query = query.where("work_items.assignee_id", "=", filter.assigneeId);
  if (filter.before !== undefined) query = query.where("work_items.number", "<", filter.before);
  const rows = await query.orderBy("work_items.number", "desc").limit(filter.limit).execute();
  return rows.map(toWorkItem);
}

/** Stores an item under the workspace's next number. The number is taken in the same transaction: no gaps, none twice. */
export async function insertWorkItem(
  tx: Queries,
  item: NewWorkItem & { workspaceId: number; creatorId: string },
): Promise<number> {
  const { last_item_number } = await tx
    .updateTable("workspaces")
    .set((eb) => ({ last_item_number: eb("last_item_number", "+", 1) }))
    .where("id", "=", item.workspaceId)
    .returning("last_item_number")
    .executeTakeFirstOrThrow();
  const now = Date.now();
  const { id } = await tx
    .insertInto("work_items")
    .values({
      workspace_id: item.workspaceId,
      number: last_item_number,
      title: item.title,
      description: item.description,
      status: item.status,
      assignee_id: item.assignee_id,
      creator_id: item.creatorId,
      created_at_ms: now,
      updated_at_ms: now,
    })
    .returning("id")
    .executeTakeFirstOrThrow();
  return id;
}

/** Marks the item as changed and holds it until the transaction ends; gives it as it is before the caller's own change. */
export async function touchWorkItem(tx: Queries, id: number): Promise<Row<"work_items">> {
  const row = await tx
    .updateTable("work_items")
    .set({ updated_at_ms: Date.now() })
    .where("id", "=", id)
    .returningAll()
    .executeTakeFirst();
  assert(row !== undefined, "a work item is never deleted while it is changed");
  return row;
}

function toWorkItem(row: ItemRow): WorkItem {
  const { id, title, workspace } = row;
  return {
    id,
    key: `${workspace}-${row.number}`,
    workspace,
    title,
    status: WorkItemStatus.parse(row.status),
    assignee: refOf(row.assignee_id, row.assignee_name, row.assignee_kind),
    creator: { id: row.creator_id, name: row.creator_name, kind: UserKind.parse(row.creator_kind) },
    created_at: isoTime(row.created_at_ms),
    updated_at: isoTime(row.updated_at_ms),
  };
}

function refOf(id: string | null, name: string | null, kind: string | null): UserRef | null {
  return id === null || name === null ? null : { id, name, kind: UserKind.parse(kind) };
}
