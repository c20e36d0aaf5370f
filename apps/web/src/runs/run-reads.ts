import { RunId } from "@windshift/contract/ids.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { queryClient } from "../api/query-client.ts";
import { runQuery, runUsageQuery } from "./run-queries.ts";
import { prepareTranscript } from "./transcript/prepared-transcript.ts";

/** What stands beside the run itself is waited for so long after it, ms, so that most often all is drawn once. */
const MORE_MS = 100;

/**
 * Reads what the page of a run shows first, so that it is drawn once: React takes 0.3 s from a page that waits for an answer to the
 * page that has it, however soon that comes. What cannot be read is left to the page, which says so.
 * @param signal aborted when the page will not be shown
 */
export async function readRun(param: string, signal: AbortSignal): Promise<void> {
  const id = RunId.safeParse(/^[1-9]\d*$/.test(param) ? Number(param) : undefined);
  if (!id.success) return;
  const run = await queryClient.ensureQueryData(runQuery(id.data)).catch(() => undefined);
  if (run === undefined || signal.aborted) return;
  const live = !isTerminal(run.status);
  const more = Promise.all([
    queryClient.prefetchQuery(runUsageQuery(run.id, live)),
    run.transcript === "stored" ? prepareTranscript(run.id, live) : undefined,
  ]);
  await Promise.race([more, new Promise((resolve) => setTimeout(resolve, MORE_MS))]);
}
