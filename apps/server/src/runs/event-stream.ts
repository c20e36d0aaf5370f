import { EVENT_PAGE } from "@windshift/contract/limits.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import type { Database } from "../db/database.ts";
import { type AfterLook, eventFrame, pacedStream } from "../http/live-stream.ts";
import { listEvents } from "./run-events.ts";
import { getRun } from "./run-store.ts";
import { viewRun } from "./run-view.ts";

/**
 * The transcript of a run as server-sent events: `run` (the run as it is now, without id) whenever it changed, `event`
 * (one stored event, its id for Last-Event-ID) and `end` when no more will come. The reader's pace sets ours: nothing
 * is read from the database that the reader has not asked for.
 * @param after id of the last event the reader has
 * @param mayLook asked from time to time; `false` ends the stream
 */
export function streamRun(
  database: Database,
  runId: number,
  after: number,
  mayLook: () => Promise<boolean>,
): ReadableStream<Uint8Array> {
  let cursor = after;
  let shown = "";
  async function* look(): AsyncGenerator<string, AfterLook> {
    const run = await getRun(database.kysely, runId);
    const events = await listEvents(database.kysely, runId, cursor, EVENT_PAGE);
    const view = JSON.stringify(await viewRun(database, run));
    if (view !== shown) {
      shown = view;
      yield eventFrame("run", view);
    }
    for (const event of events) {
      yield eventFrame("event", event, event.id);
      cursor = event.id;
    }
    if (events.length === EVENT_PAGE) return "again";
    if (!isTerminal(run.status)) return "wait";
    yield eventFrame("end", "{}");
    return "end";
  }
  // Sent as it comes: the runner gathers events before it sends them.
  return pacedStream({ signals: database.signals, topic: `run:${runId}`, mayLook, look, gatherMs: 0 });
}
