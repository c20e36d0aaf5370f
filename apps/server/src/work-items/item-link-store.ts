import type { ItemLink } from "@windshift/contract/api/work-item.ts";
import type { Queries } from "../db/database.ts";
import { isoTime } from "../http/json.ts";

export async function listLinks(db: Queries, workItemId: number): Promise<ItemLink[]> {
  const rows = await db
    .selectFrom("item_links")
    .select(["kind", "url", "title", "run_id", "created_at_ms"])
    .where("work_item_id", "=", workItemId)
    .orderBy("id")
    .execute();
  return rows.map(({ created_at_ms, ...row }) => ({ ...row, created_at: isoTime(created_at_ms) }));
}
