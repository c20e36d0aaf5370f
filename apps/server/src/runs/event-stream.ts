import { EVENT_PAGE } from "@windshift/contract/limits.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import type { Database } from "../db/database.ts";
import { waitForSignal } from "../db/signals.ts";
import { listEvents } from "./run-events.ts";
import { getRun } from "./run-store.ts";
import { viewRun } from "./run-view.ts";

/** A comment line is sent this often when nothing happens, ms, so that proxies and clients keep the stream. */
const KEEPALIVE_MS = 15_000;
/** A watcher's right to look is asked again this often, ms: within 5 s of losing it the stream ends (WB-03). */
const RECHECK_MS = 4_000;

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
  const gone = new AbortController();
  const frames = produceFrames(database, runId, after, mayLook, gone.signal);
  return new ReadableStream({
    pull: async (controller) => {
      const next = await frames.next();
      if (next.done) controller.close();
      else controller.enqueue(Buffer.from(next.value));
    },
    cancel: () => gone.abort(),
  });
}

async function* produceFrames(
  database: Database,
  runId: number,
  after: number,
  mayLook: () => Promise<boolean>,
  gone: AbortSignal,
): AsyncGenerator<string> {
  let cursor = after;
  let shown = "";
  let spokenAtMs = Date.now();
  let checkedAtMs = Date.now();
  yield "retry: 1000\n\n";
  while (!gone.aborted) {
    if (Date.now() - checkedAtMs >= RECHECK_MS) {
      if (!(await mayLook())) return;
      checkedAtMs = Date.now();
    }
    const leftMs = Math.max(0, checkedAtMs + RECHECK_MS - Date.now());
    const woken = waitForSignal(database.signals, `run:${runId}`, leftMs, gone);
    const run = await getRun(database.kysely, runId);
    const events = await listEvents(database.kysely, runId, cursor, EVENT_PAGE);
    const view = JSON.stringify(await viewRun(database, run));
    if (view !== shown) {
      shown = view;
      yield frame("run", view);
    }
    for (const event of events) {
      yield frame("event", JSON.stringify(event), event.id);
      cursor = event.id;
    }
    if (events.length > 0) spokenAtMs = Date.now();
    if (events.length === EVENT_PAGE) continue;
    if (isTerminal(run.status)) {
      yield frame("end", "{}");
      return;
    }
    if (Date.now() - spokenAtMs >= KEEPALIVE_MS) {
      spokenAtMs = Date.now();
      yield ": still here\n\n";
    }
    await woken;
  }
}

function frame(event: string, data: string, id?: number): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`;
}
