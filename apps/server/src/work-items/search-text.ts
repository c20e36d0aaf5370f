import type { Queries } from "../db/database.ts";
import { searchable } from "../db/text-search.ts";

/** Writes what a search of items looks through. In the transaction that writes the item, after that. */
export async function writeItemSearch(
  tx: Queries,
  item: { id: number; key: string; title: string; description: string },
): Promise<void> {
  const text = searchable(`${item.key}\n${item.title}\n${item.description}`);
  await tx
    .insertInto("item_search")
    .values({ work_item_id: item.id, text })
    .onConflict((oc) => oc.column("work_item_id").doUpdateSet({ text }))
    .execute();
  await tx.deleteFrom("item_search_stale").where("work_item_id", "=", item.id).execute();
}
