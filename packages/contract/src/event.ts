import { z } from "zod";

/** Source: INTERFACES section 5; `tool_output` is ours: what a tool prints while it still runs. */
export const RunEventType = z.enum([
  "lifecycle",
  "content",
  "tool_start",
  "tool_output",
  "tool_done",
  "message",
  "usage",
  "stdout",
  "stderr",
  "warning",
  "review_flagged",
]);
export type RunEventType = z.infer<typeof RunEventType>;

/** What an event carries beside its type; the fields are those of the agent's JSONL line of the same name. */
export const EventData = z
  .record(z.string(), z.json())
  // JSON of any depth would send the generator of the API document in a circle.
  .meta({ type: "object", additionalProperties: true });
export type EventData = z.infer<typeof EventData>;

/** As a runner sends it. `seq` counts from 1 within an attempt, without gaps; `at` is the runner's clock, for display only. */
export const RunEvent = z.object({
  seq: z.int().positive().max(Number.MAX_SAFE_INTEGER),
  at: z.iso.datetime(),
  type: RunEventType,
  data: EventData,
});
export type RunEvent = z.infer<typeof RunEvent>;

/**
 * As stored and read. `id` rises over the whole run, across attempts: readers resume with `after=<id>`. A negative `seq` is an
 * event of the server's own, which stands beside the numbers of the runner.
 */
export const StoredEvent = RunEvent.extend({
  seq: z.int(),
  id: z.int().positive(),
  attempt: z.int().positive(),
});
export type StoredEvent = z.infer<typeof StoredEvent>;
