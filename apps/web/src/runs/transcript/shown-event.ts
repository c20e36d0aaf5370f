import { EventOutline } from "@windshift/contract/api/event-outline.ts";
import { EventPage } from "@windshift/contract/api/run.ts";
import { StoredEvent } from "@windshift/contract/event.ts";
import { z } from "zod";

/**
 * An event as the transcript takes it. What it carries is looked at field by field where a row is made of it: to look through all
 * of it before, as the schema of the API does, costs a long page of events a frame or two.
 */
export const ShownEvent = StoredEvent.extend({ data: z.record(z.string(), z.unknown()) });
export type ShownEvent = z.infer<typeof ShownEvent>;

export const ShownEventPage = EventPage.extend({ events: z.array(ShownEvent) });
export type ShownEventPage = z.infer<typeof ShownEventPage>;

export const ShownOutline = EventOutline.extend({
  opening: z.object({ page: z.int().min(0), events: z.array(ShownEvent) }).optional(),
});
export type ShownOutline = z.infer<typeof ShownOutline>;
