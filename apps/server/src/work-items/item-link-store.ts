import type { ItemLink, WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import type { Queries } from "../db/database.ts";
import { isoTime } from "../http/json.ts";

/** What stands beside an item, such as its pull requests; oldest first. */
export async function listLinks(db: Queries, workItemId: number): Promise<ItemLink[]> {
  const rows = await db
    .selectFrom("item_links")
    .select(["kind", "url", "title", "run_id", "created_at_ms"])
    .where("work_item_id", "=", workItemId)
    .orderBy("id")
    .execute();
  return rows.map(({ created_at_ms, ...row }) => ({ ...row, created_at: isoTime(created_at_ms) }));
}

/** Pages that are linked to an item, by title. */
export function listLinkedPages(db: Queries, workItemId: number): Promise<WorkItemDetail["linked_pages"]> {
  return db
    .selectFrom("item_pages")
    .innerJoin("pages", "pages.id", "item_pages.page_id")
    .select(["pages.id", "pages.title"])
    .where("item_pages.work_item_id", "=", workItemId)
    .orderBy("pages.title")
    .orderBy("pages.id")
    .execute();
}
