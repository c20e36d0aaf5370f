import type { EventOutline } from "@windshift/contract/api/event-outline.ts";
import { EVENT_PAGE_MAX } from "@windshift/contract/limits.ts";
import { sql } from "kysely";
import { z } from "zod";
import type { Queries } from "../db/database.ts";
import { readEventPage } from "./run-events.ts";

/** Counts of a database may come as text. */
const Ends = z.array(z.object({ id: z.int() }));
const Count = z.object({ n: z.union([z.int(), z.string().transform(Number)]) });

/**
 * Events that an opening at the end has at least, where there are so many: more than a tall screen shows, so that nobody who opens
 * a page just begun sees a gap first.
 */
const OPENING_EVENTS_MIN = 100;

/**
 * Where the pages of a run's transcript begin, at the moment of asking. Steps over the index from page to page and numbers nothing:
 * 100,000 events take 9 ms rather than half a second, for which SQLite would hold up everybody else.
 */
export async function outlineEvents(db: Queries, run: number): Promise<EventOutline> {
  const result = await sql`
    with recursive pages (id) as (
      select (select id from run_events where run_id = ${run} order by id limit 1 offset ${LAST_OF_PAGE})
      union all
      select (
        select e.id from run_events as e
        where e.run_id = ${run} and e.id > pages.id
        order by e.id limit 1 offset ${LAST_OF_PAGE}
      )
      from pages where pages.id is not null
    )
    select id from pages where id is not null order by id`.execute(db);
  const ends = Ends.parse(result.rows).map(({ id }) => id);
  const rest = Count.parse(
    await db
      .selectFrom("run_events")
      .select((eb) => eb.fn.countAll().as("n"))
      .where("run_id", "=", run)
      .where("id", ">", ends.at(-1) ?? 0)
      .executeTakeFirstOrThrow(),
  ).n;
  const starts = [0, ...ends];
  return {
    events_count: ends.length * EVENT_PAGE_MAX + rest,
    page_events: EVENT_PAGE_MAX,
    // A last page that is full is followed by none.
    starts: rest === 0 ? starts.slice(0, -1) : starts,
  };
}
const LAST_OF_PAGE = sql.lit(EVENT_PAGE_MAX - 1);

/** What a reader who opens the transcript at that end sees first. @param outline with at least one page */
export async function openEvents(
  db: Queries,
  run: number,
  { starts, events_count }: EventOutline,
  at: "start" | "end",
): Promise<NonNullable<EventOutline["opening"]>> {
  const last = starts.length - 1;
  const short = events_count - last * EVENT_PAGE_MAX < OPENING_EVENTS_MIN;
  const page = at === "start" ? 0 : Math.max(0, short ? last - 1 : last);
  const limit = at === "end" && short ? EVENT_PAGE_MAX + OPENING_EVENTS_MIN : EVENT_PAGE_MAX;
  return { page, events: await readEventPage(db, run, starts[page] ?? 0, limit) };
}
