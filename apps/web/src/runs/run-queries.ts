import { infiniteQueryOptions, type QueryClient, queryOptions } from "@tanstack/react-query";
import {
  type AgentRun,
  AgentRunDetail,
  AgentRunPage,
  AgentRunPrompt,
  AgentRunUsage,
} from "@windshift/contract/api/run.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { getApi, queryString } from "../api/api.ts";
import { readPaths } from "../api/read-paths.ts";

/** Runs that one step of a list takes from the server. */
const RUNS_STEP = 50;
/** How often what no stream tells of a live run is asked for, ms: use of models, messages and queue places. */
const LIVE_MS = 4_000;

/** Runs of an item step by step, newest first. Its key begins as that of the item: what makes the item old makes these old too. */
export function itemRunsQuery(item: string) {
  return infiniteQueryOptions({
    queryKey: ["item", item, "runs"] as const,
    queryFn: ({ pageParam, signal }) => getApi(readPaths.itemRuns(item, pageParam), AgentRunPage, signal),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => last.next_before ?? undefined,
  });
}

/** A run as it is now; read again every LIVE_MS until it has ended. */
export function runQuery(run: number) {
  return queryOptions({
    queryKey: ["run", run] as const,
    queryFn: ({ signal }) => getApi(readPaths.run(run), AgentRunDetail, signal),
    refetchInterval: ({ state }) => (state.data && !isTerminal(state.data.status) ? LIVE_MS : false),
  });
}

/**
 * Tokens and cost of a run, the budgets it draws on, and the one it waits for.
 * @param live whether the run goes on: then it is read again every LIVE_MS
 */
export function runUsageQuery(run: number, live: boolean) {
  return queryOptions({
    queryKey: ["run-usage", run] as const,
    queryFn: ({ signal }) => getApi(readPaths.runUsage(run), AgentRunUsage, signal),
    refetchInterval: live ? LIVE_MS : false,
  });
}

/** What the agent was told. The server knows that of the newest attempt only; `attempt` is in the key so that the next one asks again. */
export function runPromptQuery(run: number, attempt: number) {
  return queryOptions({
    queryKey: ["run-prompt", run, attempt] as const,
    queryFn: ({ signal }) => getApi(`/api/v1/agent-runs/${run}/prompt`, AgentRunPrompt, signal),
  });
}

/** What a list of runs is narrowed to; empty for all. */
export interface RunFilter {
  status: readonly string[];
  agent: string;
}

/** Runs of a workspace that fit a filter, step by step, newest first; all steps are read again every LIVE_MS. */
export function workspaceRunsQuery(workspace: string, { status, agent }: RunFilter) {
  return infiniteQueryOptions({
    queryKey: ["runs", workspace, status, agent] as const,
    queryFn: ({ pageParam, signal }) =>
      getApi(
        `/api/v1/workspaces/${workspace}/agent-runs${queryString({ status, agent, limit: RUNS_STEP, before: pageParam })}`,
        AgentRunPage,
        signal,
      ),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => last.next_before ?? undefined,
    refetchInterval: LIVE_MS,
  });
}

/** Takes over what the server said of a run, so that no page waits for the next question. */
export function storeRun(client: QueryClient, run: AgentRun): void {
  const before = client.getQueryData(runQuery(run.id).queryKey);
  client.setQueryData(runQuery(run.id).queryKey, (now) => now && { ...now, ...run });
  client.setQueryData(
    itemRunsQuery(run.item_key).queryKey,
    (now) =>
      now && {
        ...now,
        pages: now.pages.map((page) => ({
          ...page,
          runs: page.runs.map((other) => (other.id === run.id ? run : other)),
        })),
      },
  );
  if (before?.status === run.status && before.phase === run.phase && before.attempt === run.attempt) return;
  // Attempts, steps, files and use of models come with the details only.
  void client.invalidateQueries({ queryKey: runQuery(run.id).queryKey });
  void client.invalidateQueries({ queryKey: ["run-usage", run.id] });
  if (before !== undefined && before.status !== run.status) void refreshItem(client, run.item_key);
}

/** After something was done to a run: everything that shows it. */
export async function refreshRun(client: QueryClient, run: Pick<AgentRun, "id" | "item_key">): Promise<void> {
  await Promise.all([
    client.invalidateQueries({ queryKey: runQuery(run.id).queryKey }),
    client.invalidateQueries({ queryKey: ["run-usage", run.id] }),
    refreshItem(client, run.item_key),
  ]);
}

async function refreshItem(client: QueryClient, item: string): Promise<void> {
  const keys = [["item", item], ["comments", item], ["activity", item], ["runs"]];
  await Promise.all(keys.map((queryKey) => client.invalidateQueries({ queryKey })));
}
