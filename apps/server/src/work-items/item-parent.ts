import { AppError } from "@windshift/contract/app-error.ts";
import { ITEM_DEPTH_MAX } from "@windshift/contract/limits.ts";
import type { Queries } from "../db/database.ts";
import { findWorkItem } from "./work-item-store.ts";

/**
 * The item that another one is to lie under. Until the transaction ends no other item of the workspace gets a parent, so
 * that two cannot come to lie under each other.
 * @param item the one that is moved; undefined for one that is being made
 * @returns its id; null for no parent
 * @throws AppError `invalid_input` when there is no such item, it lies below `item`, or the tree would be deeper than ITEM_DEPTH_MAX
 */
export async function resolveParent(
  tx: Queries,
  workspaceId: number,
  key: string | null,
  item: number | undefined,
): Promise<number | null> {
  if (key === null) return null;
  await tx
    .updateTable("workspaces")
    .set((eb) => ({ name: eb.ref("name") }))
    .where("id", "=", workspaceId)
    .execute();
  const parent = await findWorkItem(tx, workspaceId, key);
  if (parent === undefined) throw refused(`there is no item ${key} in this workspace`);
  const above = await listAbove(tx, parent);
  if (item !== undefined && above.includes(item)) throw refused(`${key} lies below this item`);
  const depth = above.length + (item === undefined ? 1 : await heightOf(tx, item));
  if (depth > ITEM_DEPTH_MAX) throw refused(`items lie at most ${ITEM_DEPTH_MAX} deep`);
  return parent;
}

/** The item itself and those it lies under, from below. */
async function listAbove(tx: Queries, id: number): Promise<number[]> {
  const above = [id];
  for (let next: number | null = id; next !== null && above.length <= ITEM_DEPTH_MAX; ) {
    const row: { parent_id: number | null } | undefined = await tx
      .selectFrom("work_items")
      .select("parent_id")
      .where("id", "=", next)
      .executeTakeFirst();
    next = row?.parent_id ?? null;
    if (next !== null) above.push(next);
  }
  return above;
}

/** How many levels the item and what lies below it take, counted up to one more than is allowed. */
async function heightOf(tx: Queries, id: number): Promise<number> {
  for (let height = 1; height <= ITEM_DEPTH_MAX; height++) {
    let level = tx.selectFrom("work_items").select("work_items.id").where("parent_id", "=", id);
    for (let n = 1; n < height; n++)
      level = tx.selectFrom("work_items").select("work_items.id").where("parent_id", "in", level);
    if ((await level.limit(1).executeTakeFirst()) === undefined) return height;
  }
  return ITEM_DEPTH_MAX + 1;
}

function refused(message: string): AppError {
  return new AppError("invalid_input", `parent_key: ${message}`, {
    details: [{ path: "parent_key", message }],
  });
}
