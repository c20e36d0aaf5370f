import { z } from "zod";
import { StoredEvent } from "../event.ts";

/**
 * Where the pages of a long transcript begin, so that a reader can open any part of it: page number `i` is read with
 * `GET …/events?after=starts[i]`, up to and with the event `starts[i + 1]`. Pages have `page_events` events each, the last one
 * what is left.
 */
export const EventOutline = z.object({
  events_count: z.int().min(0),
  page_events: z.int().positive(),
  /** `after` of each page; the first is 0. Empty when nothing was recorded. */
  starts: z.array(z.int().min(0)),
  /**
   * With `opening=true`: what a reader sees first, from the start of page `page` on. The end of what goes on, the start of what is
   * over; less than whole pages when the events are large.
   */
  opening: z.object({ page: z.int().min(0), events: z.array(StoredEvent) }).optional(),
});
export type EventOutline = z.infer<typeof EventOutline>;
