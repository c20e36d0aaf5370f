import type { NewWorkItem } from "@windshift/contract/api/work-item.ts";
import { assert } from "@windshift/contract/app-error.ts";
import { WorkItemKey } from "@windshift/contract/ids.ts";
import { nextUpdate } from "../activity/item-change.ts";
import type { Database, Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import type { Scope } from "../http/access.ts";
import { rankOf } from "./priority.ts";
import { writeItemSearch } from "./search-text.ts";

/** `hidden` of an item that was deleted; its runs stay, and what they cost. */
export const DELETED = 2;

/** Scope of paths with an `{item}`. The item of a private test run is there for admins alone. */
export const workItemScope: Scope = async (db, params) => {
  const key = WorkItemKey.safeParse(params.item);
  if (!key.success) return undefined;
  const row = await findByKey(db, key.data)
    .select(["work_items.workspace_id", "work_items.hidden"])
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const leastRole = row.hidden === 0 ? undefined : "admin";
  return { workspaceId: row.workspace_id, workItemId: row.id, leastRole };
};

/** The item's id; undefined when the workspace has no such item. */
export async function findWorkItem(
  db: Queries,
  workspaceId: number,
  key: string,
): Promise<number | undefined> {
  const row = await findByKey(db, key)
    .where("work_items.workspace_id", "=", workspaceId)
    .where("work_items.hidden", "=", 0)
    .executeTakeFirst();
  return row?.id;
}

function findByKey(db: Queries, key: string) {
  const [workspace = "", number] = key.split("-");
  return db
    .selectFrom("work_items")
    .innerJoin("workspaces", "workspaces.id", "work_items.workspace_id")
    .select("work_items.id")
    .where("workspaces.key", "=", workspace)
    .where("work_items.number", "=", Number(number))
    .where("work_items.hidden", "<", DELETED);
}

/** Stores an item under the workspace's next number. The number is taken in the same transaction: no gaps, none twice. */
export async function insertWorkItem(
  tx: Queries,
  item: Pick<NewWorkItem, "title" | "description" | "status" | "priority" | "assignee_id"> & {
    workspaceId: number;
    creatorId: string;
    parentId: number | null;
    /** Of a private test run: in no list. */
    hidden?: boolean;
  },
): Promise<number> {
  const { key, last_item_number } = await tx
    .updateTable("workspaces")
    .set((eb) => ({ last_item_number: eb("last_item_number", "+", 1) }))
    .where("id", "=", item.workspaceId)
    .returning(["key", "last_item_number"])
    .executeTakeFirstOrThrow();
  const now = Date.now();
  const { title, description, status, assignee_id } = item;
  const { id } = await tx
    .insertInto("work_items")
    .values({
      workspace_id: item.workspaceId,
      number: last_item_number,
      title,
      description,
      status,
      priority: rankOf(item.priority),
      parent_id: item.parentId,
      hidden: item.hidden === true ? 1 : 0,
      assignee_id,
      creator_id: item.creatorId,
      created_at_ms: now,
      updated_at_ms: now,
      text_changed_at_ms: now,
    })
    .returning("id")
    .executeTakeFirstOrThrow();
  await writeItemSearch(tx, { id, key: `${key}-${last_item_number}`, title, description });
  return id;
}

/** Holds the item as it is until the transaction ends. */
export async function lockWorkItem(database: Database, tx: Queries, id: number): Promise<Row<"work_items">> {
  const select = tx.selectFrom("work_items").selectAll().where("id", "=", id);
  const row = await (database.engine === "postgres" ? select.forNoKeyUpdate() : select).executeTakeFirst();
  assert(row !== undefined, "a work item's row is never deleted");
  return row;
}

/** Marks the item as changed and holds it until the transaction ends; gives it as it is before the caller's own change. */
export async function touchWorkItem(tx: Queries, id: number): Promise<Row<"work_items">> {
  const row = await tx
    .updateTable("work_items")
    .set({ updated_at_ms: nextUpdate() })
    .where("id", "=", id)
    .returningAll()
    .executeTakeFirst();
  assert(row !== undefined, "a work item's row is never deleted");
  return row;
}
