import { getApi } from "../../api/api.ts";
import { readPaths } from "../../api/read-paths.ts";
import { ShownEventPage, ShownOutline } from "./shown-event.ts";
import { TranscriptPages } from "./transcript-pages.ts";

/** The one that was opened last, for the page that is about to show it. */
let prepared: { run: number; pages: TranscriptPages } | undefined;

/** Opens a transcript before the page that shows it is drawn, so that both are drawn at once. What fails the page tries again. */
export async function prepareTranscript(run: number, live: boolean): Promise<void> {
  const pages = transcriptOf(run);
  prepared = { run, pages };
  await pages.open(live ? "end" : "start").catch(() => undefined);
}

/** What was prepared for a run, once. It may still be opening. */
export function takePrepared(run: number): TranscriptPages | undefined {
  if (prepared?.run !== run) return undefined;
  const { pages } = prepared;
  prepared = undefined;
  return pages;
}

export function transcriptOf(run: number): TranscriptPages {
  return new TranscriptPages({
    outline: () => getApi(readPaths.outline(run), ShownOutline),
    page: (after, limit) => getApi(readPaths.events(run, after, limit), ShownEventPage),
  });
}
