import { readServerEvents, type ServerEvent } from "@windshift/api-client/server-events.ts";
import { backoffMs } from "@windshift/base/backoff.ts";
import { type Line, LineSplitter } from "@windshift/base/jsonl.ts";
import { JSONL_LINE_BYTES_MAX } from "@windshift/contract/limits.ts";
import { type Call, EXIT, WsError } from "../command.ts";
import { field, list, text } from "../fields.ts";
import { TranscriptLines } from "../transcript-lines.ts";

/** Tries in a row to open a stream that broke, before the command gives up. */
const RECONNECTS_MAX = 8;
/** Wait before a broken stream is opened again, ms, from the first to the last try. */
const RECONNECT_MS_MIN = 250;
const RECONNECT_MS_MAX = 10_000;

/** Follows a run to its end, through losses of the connection, without showing anything twice. */
export async function watchRun(call: Call, id: number): Promise<number> {
  const lines = new TranscriptLines();
  let after = 0;
  let run: unknown;
  for (let failures = 0; ; ) {
    try {
      for await (const { event, data, id: eventId } of openStream(call, id, after)) {
        failures = 0;
        const body: unknown = JSON.parse(data);
        if (event === "run") run = body;
        if (event === "event") {
          after = Number(eventId) || after;
          await show(call, lines, body);
        }
        if (event === "end") return finish(call, lines, run);
        if (event === "run" && text(run, "status") === "waiting") return finish(call, lines, run);
      }
      failures += 1;
    } catch (error) {
      if (call.signal.aborted) return EXIT.interrupted;
      const passing = !(error instanceof WsError) || error.isPassing;
      if (!passing || failures >= RECONNECTS_MAX) throw error;
      failures += 1;
    }
    if (call.signal.aborted) return EXIT.interrupted;
    await Bun.sleep(backoffMs(failures, RECONNECT_MS_MIN, RECONNECT_MS_MAX));
  }
}

/** Prints what is there of a transcript; of one that left the database for the archive, the archive's. */
export async function printLogs(call: Call, id: number): Promise<number> {
  const lines = new TranscriptLines();
  for (let after = 0; ; ) {
    const page = await call.api.get(`/agent-runs/${id}/events?after=${after}&limit=500`);
    const events = list(page, "events");
    for (const event of events) await show(call, lines, event);
    const next = field(page, "next_after");
    if (events.length === 0 && after === 0) await showArchive(call, lines, id);
    if (events.length === 0 || typeof next !== "number" || next === after) break;
    after = next;
  }
  for (const line of lines.flush()) await call.out.text(line);
  return EXIT.ok;
}

/** Nothing where the transcript is empty because nothing was said. @throws WsError when it was deleted or cannot be read */
async function showArchive(call: Call, lines: TranscriptLines, id: number): Promise<void> {
  const stored = text(await call.api.get(`/agent-runs/${id}`), "transcript");
  if (stored !== "archived" && stored !== "deleted") return;
  const stream = await call.api.stream(`/agent-runs/${id}/transcript.jsonl`, call.signal);
  const splitter = new LineSplitter(JSONL_LINE_BYTES_MAX);
  const showAll = async (found: readonly Line[]) => {
    for (const line of found) if (line.kind === "line") await show(call, lines, JSON.parse(line.text));
  };
  for await (const chunk of stream) await showAll(splitter.push(chunk));
  await showAll(splitter.end());
}

async function* openStream(call: Call, id: number, after: number): AsyncIterable<ServerEvent> {
  const stream = await call.api.stream(`/agent-runs/${id}/events/stream?after=${after}`, call.signal);
  yield* readServerEvents(stream);
}

async function show(call: Call, lines: TranscriptLines, event: unknown): Promise<void> {
  if (call.out.json) return call.out.line(event);
  for (const line of lines.take(event)) await call.out.text(line);
}

async function finish(call: Call, lines: TranscriptLines, run: unknown): Promise<number> {
  if (!call.out.json) {
    for (const line of lines.flush()) await call.out.text(line);
    const why = text(run, "detail") || text(run, "reason");
    await call.out.text(`== ${text(run, "status")}${why === "" ? "" : `: ${why}`}`);
  }
  switch (text(run, "status")) {
    case "succeeded":
      return EXIT.ok;
    case "canceled":
    case "killed":
      return EXIT.runCanceled;
    case "waiting":
      return EXIT.runWaiting;
    default:
      return EXIT.runFailed;
  }
}
