import { AppError } from "@windshift/contract/app-error.ts";
import { ITEM_PAGES_MAX } from "@windshift/contract/limits.ts";
import { recordActivity } from "../activity/activity-store.ts";
import { announceItems } from "../activity/item-change.ts";
import type { Database, Queries } from "../db/database.ts";
import { touchWorkItem } from "../work-items/work-item-store.ts";
import { lockPage } from "./page-store.ts";

interface ItemPage {
  workspaceId: number;
  workItemId: number;
  pageId: number;
  /** Who asks for it. */
  by: string;
}

/**
 * Links a page of the same workspace to an item.
 * @throws AppError `not_found` when there is no such page; `conflict` when the item has ITEM_PAGES_MAX
 */
export async function linkPage(database: Database, link: ItemPage): Promise<void> {
  const { workItemId: work_item_id, pageId: page_id } = link;
  await database.transaction(async (tx) => {
    await touchWorkItem(tx, work_item_id);
    const page = await requirePage(database, tx, link);
    const linked = await tx
      .selectFrom("item_pages")
      .select("page_id")
      .where("work_item_id", "=", work_item_id)
      .execute();
    if (linked.some((row) => row.page_id === page_id)) return;
    if (linked.length >= ITEM_PAGES_MAX)
      throw new AppError(
        "conflict",
        `an item has at most ${ITEM_PAGES_MAX} linked pages; take one off first`,
      );
    await tx.insertInto("item_pages").values({ work_item_id, page_id }).execute();
    await tell(database, tx, link, { kind: "page_linked", page });
  });
}

/** Takes a link off again, if there is one. @throws AppError `not_found` when there is no such page */
export async function unlinkPage(database: Database, link: ItemPage): Promise<void> {
  await database.transaction(async (tx) => {
    await touchWorkItem(tx, link.workItemId);
    const page = await requirePage(database, tx, link);
    const gone = await tx
      .deleteFrom("item_pages")
      .where("work_item_id", "=", link.workItemId)
      .where("page_id", "=", link.pageId)
      .returning("page_id")
      .executeTakeFirst();
    if (gone !== undefined) await tell(database, tx, link, { kind: "page_unlinked", page });
  });
}

/** Nobody deletes the page until the transaction ends. */
async function requirePage(
  database: Database,
  tx: Queries,
  link: ItemPage,
): Promise<{ id: number; title: string }> {
  const { id, title, workspace_id } = await lockPage(database, tx, link.pageId);
  if (workspace_id !== link.workspaceId) throw new AppError("not_found", "not found");
  return { id, title };
}

async function tell(
  database: Database,
  tx: Queries,
  { workspaceId, workItemId, by }: ItemPage,
  change: { kind: "page_linked" | "page_unlinked"; page: { id: number; title: string } },
): Promise<void> {
  await recordActivity(tx, [{ workspaceId, workItemId, actorId: by, change }]);
  announceItems(database, tx, workspaceId);
}

/** Whether a page is linked to an item: what a run may read of it. */
export async function isLinked(db: Queries, workItemId: number, pageId: number): Promise<boolean> {
  const row = await db
    .selectFrom("item_pages")
    .select("page_id")
    .where("work_item_id", "=", workItemId)
    .where("page_id", "=", pageId)
    .executeTakeFirst();
  return row !== undefined;
}
