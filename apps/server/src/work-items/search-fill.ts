import type { Database, Queries } from "../db/database.ts";
import { searchable } from "../db/text-search.ts";

/** Items of one transaction: some 10 ms, in which nobody else writes to SQLite. */
const ITEMS_AT_ONCE = 200;

/**
 * Takes over texts of items that no server of this version wrote: those that were there before the update, as far as its row in
 * `upkeep` says, and those that a server of another version has written since. Any number of servers may do so.
 * @returns whether there may be more
 */
export async function fillItemSearch(database: Database): Promise<boolean> {
  // Most looks find nothing; that needs no transaction.
  const { kysely } = database;
  const isDue = await kysely
    .selectFrom("upkeep")
    .select("name")
    .where("name", "=", "item_search")
    .executeTakeFirst();
  const stale = await kysely
    .selectFrom("item_search_stale")
    .select("work_item_id as id")
    .limit(ITEMS_AT_ONCE)
    .execute();
  const wrote = stale.length > 0 && (await takeOver(database, stale)) > 0;
  const filled = isDue !== undefined && (await fillNext(database));
  return filled || (wrote && stale.length === ITEMS_AT_ONCE);
}

/** @returns how many were taken over; those that somebody is writing have their turn later */
function takeOver(database: Database, stale: readonly { id: number }[]): Promise<number> {
  return database.transaction(async (tx) => {
    const ids = stale.map(({ id }) => id);
    const items = await lockItems(database, tx, (query) => query.where("work_items.id", "in", ids));
    await write(tx, items);
    return items.length;
  });
}

/** @returns whether there are more */
function fillNext(database: Database): Promise<boolean> {
  return database.transaction(async (tx) => {
    let query = tx.selectFrom("upkeep").select("done_to").where("name", "=", "item_search");
    if (database.engine === "postgres") query = query.forUpdate().skipLocked();
    const row = await query.executeTakeFirst();
    if (row === undefined) return false;
    const next = await tx
      .selectFrom("work_items")
      .select("id")
      .where("id", ">", row.done_to)
      .orderBy("id")
      .limit(ITEMS_AT_ONCE)
      .execute();
    const last = next.at(-1);
    if (last === undefined) {
      await tx.deleteFrom("upkeep").where("name", "=", "item_search").execute();
      return false;
    }
    const ids = next.map(({ id }) => id);
    const items = await lockItems(database, tx, (one) => one.where("work_items.id", "in", ids));
    await write(tx, items);
    const taken = new Set(items.map(({ id }) => id));
    const busy = ids.filter((id) => !taken.has(id));
    if (busy.length > 0)
      await tx
        .insertInto("item_search_stale")
        .values(busy.map((id) => ({ work_item_id: id })))
        .onConflict((oc) => oc.doNothing())
        .execute();
    await tx.updateTable("upkeep").set({ done_to: last.id }).where("name", "=", "item_search").execute();
    return true;
  });
}

type Item = Awaited<ReturnType<ReturnType<typeof itemsWithKeys>["execute"]>>[number];

function itemsWithKeys(tx: Queries) {
  return tx
    .selectFrom("work_items")
    .innerJoin("workspaces", "workspaces.id", "work_items.workspace_id")
    .select(["work_items.id", "workspaces.key", "number", "title", "description"]);
}

/**
 * Holds the items until the transaction ends, so that nobody writes a text between the look and what is written of it; without
 * those that somebody is writing: their mark stays.
 */
function lockItems(
  database: Database,
  tx: Queries,
  narrow: (query: ReturnType<typeof itemsWithKeys>) => ReturnType<typeof itemsWithKeys>,
): Promise<Item[]> {
  const query = narrow(itemsWithKeys(tx));
  return (database.engine === "postgres" ? query.forNoKeyUpdate("work_items").skipLocked() : query).execute();
}

async function write(tx: Queries, items: readonly Item[]): Promise<void> {
  if (items.length === 0) return;
  const values = items.map(({ id, key, number, title, description }) => ({
    work_item_id: id,
    text: searchable(`${key}-${number}\n${title}\n${description}`),
  }));
  await tx
    .insertInto("item_search")
    .values(values)
    .onConflict((oc) => oc.column("work_item_id").doUpdateSet((eb) => ({ text: eb.ref("excluded.text") })))
    .execute();
  await tx
    .deleteFrom("item_search_stale")
    .where(
      "work_item_id",
      "in",
      items.map(({ id }) => id),
    )
    .execute();
}
