import type { EventOutline } from "@windshift/contract/api/event-outline.ts";
import { EVENT_PAGE_MAX } from "@windshift/contract/limits.ts";
import { sql } from "kysely";
import { z } from "zod";
import type { Queries } from "../db/database.ts";

/** Counts of a database may come as text. */
const Rows = z.array(z.object({ id: z.int(), n: z.union([z.int(), z.string().transform(Number)]) }));

/** Where the pages of a run's transcript begin, at the moment of asking; reads the index only. */
export async function outlineEvents(db: Queries, run: number): Promise<EventOutline> {
  const result = await sql`
    select id, n from (
      select id, row_number() over (order by id) as n, count(*) over () as total
      from run_events where run_id = ${run}
    ) as numbered
    where n % ${sql.lit(EVENT_PAGE_MAX)} = 0 or n = total
    order by id`.execute(db);
  const rows = Rows.parse(result.rows);
  const count = rows.at(-1)?.n ?? 0;
  const ends = rows.filter(({ n }) => n % EVENT_PAGE_MAX === 0 && n < count).map(({ id }) => id);
  return { events_count: count, page_events: EVENT_PAGE_MAX, starts: count === 0 ? [] : [0, ...ends] };
}
