import { EVENT_PAGE } from "@windshift/contract/limits.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import type { Database } from "../db/database.ts";
import type { SharedReads } from "../db/shared-reads.ts";
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
 * @param looks of all streams of this server: who watches the same run from the same place on shares them
 */
export function streamRun(
  database: Database,
  runId: number,
  after: number,
  mayLook: () => Promise<boolean>,
  looks: SharedReads<RunLook>,
): ReadableStream<Uint8Array> {
  let cursor = after;
  let shown = "";
  async function* look(): AsyncGenerator<string, AfterLook> {
    const found = await looks.read(`${runId} ${cursor}`, () => lookAt(database, runId, cursor));
    if (found.view !== shown) {
      shown = found.view;
      yield eventFrame("run", found.view);
    }
    for (const { id, frame } of found.events) {
      yield frame;
      cursor = id;
    }
    if (found.events.length === EVENT_PAGE) return "again";
    if (!found.isOver) return "wait";
    yield eventFrame("end", "{}");
    return "end";
  }
  // Sent as it comes: the runner gathers events before it sends them.
  return pacedStream({ signals: database.signals, topic: `run:${runId}`, mayLook, look, gatherMs: 0 });
}

/** What there is to tell of a run from an event on. */
export interface RunLook {
  /** The run as it is now, JSON. */
  view: string;
  isOver: boolean;
  /** At most a page. */
  events: readonly { id: number; frame: string }[];
}

async function lookAt(database: Database, runId: number, after: number): Promise<RunLook> {
  const run = await getRun(database.kysely, runId);
  const events = await listEvents(database.kysely, runId, after, EVENT_PAGE);
  const view = JSON.stringify(await viewRun(database, run));
  return {
    view,
    isOver: isTerminal(run.status),
    events: events.map((event) => ({ id: event.id, frame: eventFrame("event", event, event.id) })),
  };
}
