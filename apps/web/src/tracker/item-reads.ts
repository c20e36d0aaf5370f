import type { AgentRun } from "@windshift/contract/api/run.ts";
import { WorkItemKey } from "@windshift/contract/ids.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { queryClient } from "../api/query-client.ts";
import { isFirstLook } from "../parts/later.tsx";
import { itemRunsQuery, runQuery, runUsageQuery } from "../runs/run-queries.ts";
import { prepareTranscript } from "../runs/transcript/prepared-transcript.ts";
import { activityQuery, commentsQuery, itemQuery } from "./item-queries.ts";

/** What is no part of an item's first look is waited for so long after the rest, ms, so that most often all is drawn once. */
const MORE_MS = 50;
/** The story of an item shows itself after so long, ms, whether all of it is there or not. */
const STORY_MS = 200;

/**
 * Reads what the page of an item shows first, so that it is drawn once and not anew with each answer. What cannot be read is left
 * to the page, which says so.
 * @param signal aborted when the page will not be shown
 */
export async function readItem(param: string, signal: AbortSignal): Promise<void> {
  const key = WorkItemKey.safeParse(param);
  if (!key.success) return;
  const newest = findNewestRun(key.data);
  const more = Promise.allSettled([
    isFirstLook() ? undefined : readStory(key.data),
    newest.then((run) => run && readBeside(run, signal)),
  ]);
  await Promise.allSettled([
    queryClient.ensureQueryData(itemQuery(key.data)),
    newest.then((run) => run && queryClient.ensureQueryData(runQuery(run.id))),
  ]);
  await Promise.race([more, passed(MORE_MS)]);
}

/** What stands with the newest run: what it used, and its transcript, whose rows would push down what is below if they came later. */
function readBeside({ id, status, transcript }: AgentRun, signal: AbortSignal): Promise<unknown> {
  const live = !isTerminal(status);
  return Promise.all([
    queryClient.prefetchQuery(runUsageQuery(id, live)),
    transcript === "stored" && !signal.aborted ? prepareTranscript(id, live) : undefined,
  ]);
}

/** What was said and what happened, for a moment's time at most. */
export function readStory(item: string): Promise<unknown> {
  const story = Promise.all([
    queryClient.prefetchInfiniteQuery(commentsQuery(item)),
    queryClient.prefetchInfiniteQuery(activityQuery({ item })),
  ]);
  return Promise.race([story, passed(STORY_MS)]);
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function findNewestRun(item: string) {
  const { pages } = await queryClient.ensureInfiniteQueryData(itemRunsQuery(item));
  return pages[0]?.runs[0];
}
