import { turn } from "@windshift/base/turn.ts";
import { sql } from "kysely";
import type { Queries } from "../db/database.ts";
import { contains, tookTooLong, WINDOWED_SEARCH_MS_MAX } from "../db/text-search.ts";

/** Items of the first window: most searches find a page of items among so few. */
const FIRST_ITEMS = 100;
/** Items whose texts one statement looks through in SQLite: some 30 ms, in which nobody else of this process works. */
const WINDOW_ITEMS = 2_000;
/** Items of an order that are read at once, without their texts: the order is not always an index's, and then made anew. */
const ORDER_ITEMS_MAX = 10_000;

/**
 * The first rows of an order whose items have all the words in their text. For SQLite, which shares our process: it goes through
 * the order window by window and lets others work between, so that a word which is nowhere holds nobody up.
 * @param next at most so many rows of the order that come after a row, or from its start
 * @throws AppError `timed_out`
 */
export async function searchInOrder<T extends { id: number }>(
  db: Queries,
  words: readonly string[],
  limit: number,
  next: (after: T | undefined, count: number) => Promise<T[]>,
): Promise<T[]> {
  const startedMs = performance.now();
  const found: T[] = [];
  let last: T | undefined;
  for (let count = FIRST_ITEMS; ; count = Math.min(2 * count, ORDER_ITEMS_MAX)) {
    const rows = await next(last, count);
    for (let at = 0; at < rows.length; at += WINDOW_ITEMS) {
      const window = rows.slice(at, at + WINDOW_ITEMS);
      const holding = await findHolding(db, window, words);
      found.push(...window.filter(({ id }) => holding.has(id)).slice(0, limit - found.length));
      if (found.length === limit) return found;
      if (performance.now() - startedMs > WINDOWED_SEARCH_MS_MAX) throw tookTooLong();
      await turn();
    }
    if (rows.length < count) return found;
    last = rows.at(-1);
  }
}

async function findHolding(
  db: Queries,
  items: readonly { id: number }[],
  words: readonly string[],
): Promise<Set<number>> {
  const ids = JSON.stringify(items.map(({ id }) => id));
  let query = db
    .selectFrom("item_search")
    .select("work_item_id")
    .where(sql<boolean>`work_item_id in (select value from json_each(${ids}))`);
  for (const word of words) query = query.where(contains("sqlite", sql.ref("text"), word));
  return new Set((await query.execute()).map((row) => row.work_item_id));
}
