import { queryString } from "./query-string.ts";

/*
 * Paths that the app reads first, for the app and for the script in the head that asks for them before the app is there.
 */

/** Comments and entries of activity that one step takes. */
const STORY_STEP = 100;

export const readPaths = {
  me: "/api/v1/me",
  setup: "/api/v1/setup",
  item: (key: string) => `/api/v1/items/${key}`,
  itemRuns: (key: string, before?: number) => `/api/v1/items/${key}/agent-runs${queryString({ before })}`,
  comments: (key: string, after: number) =>
    `/api/v1/items/${key}/comments${queryString({ after, limit: STORY_STEP })}`,
  /** Of an item or of a workspace. */
  activity: (of: { item: string } | { workspace: string }, before?: number) =>
    `/api/v1/${"item" in of ? `items/${of.item}` : `workspaces/${of.workspace}`}/activity${queryString({ before, limit: STORY_STEP })}`,
  run: (run: number) => `/api/v1/agent-runs/${run}`,
  runUsage: (run: number) => `/api/v1/agent-runs/${run}/usage`,
  outline: (run: number) => `/api/v1/agent-runs/${run}/events/outline?opening=true`,
  events: (run: number, after: number, limit: number) =>
    `/api/v1/agent-runs/${run}/events${queryString({ after, limit })}`,
};
