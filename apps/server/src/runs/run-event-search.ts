import { turn } from "@windshift/base/turn.ts";
import type { StoredEvent } from "@windshift/contract/event.ts";
import type { Database, Queries } from "../db/database.ts";
import { containsText } from "../db/like.ts";
import { withinSearchTime } from "../db/text-search.ts";
import { toStored } from "./run-events.ts";

/** Events that one statement looks through in SQLite: some milliseconds, in which nobody else of this process works. */
const WINDOW_EVENTS = 1_000;

/**
 * The next events of a transcript that hold a text, whatever its case. A search in a long transcript holds nobody up: SQLite goes
 * through it window by window and lets others work between, PostgreSQL has its own processes and a time limit.
 * @param after id of the last event the reader has; 0 from the start
 * @throws AppError `timed_out`
 */
export function searchEvents(
  database: Database,
  run: number,
  after: number,
  limit: number,
  q: string,
): Promise<StoredEvent[]> {
  if (database.engine === "postgres")
    return withinSearchTime(database, (db) => findIn(db, run, { from: after }, limit, q));
  return searchWindows(database.kysely, run, after, limit, q);
}

async function searchWindows(
  db: Queries,
  run: number,
  after: number,
  limit: number,
  q: string,
): Promise<StoredEvent[]> {
  const found: StoredEvent[] = [];
  for (let from = after; ; ) {
    const to = await windowEnd(db, run, from);
    found.push(...(await findIn(db, run, { from, to }, limit - found.length, q)));
    if (to === undefined || found.length === limit) return found;
    from = to;
    await turn();
  }
}

async function findIn(
  db: Queries,
  run: number,
  ids: { from: number; to?: number | undefined },
  limit: number,
  q: string,
): Promise<StoredEvent[]> {
  let query = db
    .selectFrom("run_events")
    .select(["id", "attempt", "seq", "at", "type", "data"])
    .where("run_id", "=", run)
    .where("id", ">", ids.from)
    // As it stands in the stored JSON.
    .where(containsText("data", JSON.stringify(q).slice(1, -1)));
  if (ids.to !== undefined) query = query.where("id", "<=", ids.to);
  return (await query.orderBy("id").limit(limit).execute()).map(toStored);
}

/** The id of the last event of the window; undefined when less than a window is left. */
async function windowEnd(db: Queries, run: number, from: number): Promise<number | undefined> {
  const row = await db
    .selectFrom("run_events")
    .select("id")
    .where("run_id", "=", run)
    .where("id", ">", from)
    .orderBy("id")
    .offset(WINDOW_EVENTS - 1)
    .limit(1)
    .executeTakeFirst();
  return row?.id;
}
