import { getApi } from "../../api/api.ts";
import { readPaths } from "../../api/read-paths.ts";
import { ShownEventPage, ShownOutline } from "./shown-event.ts";
import { TranscriptPages } from "./transcript-pages.ts";

/**
 * A page takes what was prepared within so long, ms: when it is drawn, the moment after. What is older was left by a page that never
 * came, or had its transcript already, and would be shown as if nothing had come since.
 */
const PREPARED_MS_MAX = 2_000;

interface Prepared {
  run: number;
  live: boolean;
  atMs: number;
  pages: TranscriptPages;
}

/** The one that was opened last, for the page that is about to show it. */
let prepared: Prepared | undefined;

/**
 * Opens a transcript before the page that shows it is drawn, so that both are drawn at once. What fails the page tries again.
 * @param live whether the run goes on: its end is opened then
 */
export async function prepareTranscript(
  run: number,
  live: boolean,
  nowMs = performance.now(),
): Promise<void> {
  const pages = transcriptOf(run);
  prepared = { run, live, atMs: nowMs, pages };
  await pages.open(live ? "end" : "start").catch(() => undefined);
}

/** What was prepared a moment ago for a run in that state, once. It may still be opening. */
export function takePrepared(
  run: number,
  live: boolean,
  nowMs = performance.now(),
): TranscriptPages | undefined {
  const found = prepared;
  prepared = undefined;
  if (found === undefined || found.run !== run || found.live !== live) return undefined;
  return nowMs - found.atMs < PREPARED_MS_MAX ? found.pages : undefined;
}

/** The pages of a run's transcript, as the API serves them; none is read yet. */
export function transcriptOf(run: number): TranscriptPages {
  return new TranscriptPages({
    outline: () => getApi(readPaths.outline(run), ShownOutline),
    page: (after, limit) => getApi(readPaths.events(run, after, limit), ShownEventPage),
  });
}
