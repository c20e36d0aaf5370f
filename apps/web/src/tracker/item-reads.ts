import { WorkItemKey } from "@windshift/contract/ids.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { queryClient } from "../api/query-client.ts";
import { itemRunsQuery, runQuery, runUsageQuery } from "../runs/run-queries.ts";
import { activityQuery, commentsQuery, itemQuery } from "./item-queries.ts";

/** What is no part of an item's first look is waited for so long after the rest, ms, so that most often all is drawn once. */
const MORE_MS = 50;

/**
 * Reads what the page of an item shows first, so that it is drawn once and not anew with each answer. What cannot be read is left
 * to the page, which says so.
 */
export async function readItem(param: string): Promise<void> {
  const key = WorkItemKey.safeParse(param);
  if (!key.success) return;
  const newest = findNewestRun(key.data);
  const more = Promise.allSettled([
    queryClient.prefetchInfiniteQuery(commentsQuery(key.data)),
    queryClient.prefetchInfiniteQuery(activityQuery({ item: key.data })),
    newest.then((run) => run && queryClient.prefetchQuery(runUsageQuery(run.id, !isTerminal(run.status)))),
  ]);
  await Promise.allSettled([
    queryClient.ensureQueryData(itemQuery(key.data)),
    newest.then((run) => run && queryClient.ensureQueryData(runQuery(run.id))),
  ]);
  await Promise.race([more, new Promise((resolve) => setTimeout(resolve, MORE_MS))]);
}

async function findNewestRun(item: string) {
  const { pages } = await queryClient.ensureInfiniteQueryData(itemRunsQuery(item));
  return pages[0]?.runs[0];
}
