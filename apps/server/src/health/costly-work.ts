/** Work that takes much memory, or leads to such work, and can wait. */
export type CostlyWork = "model_call" | "git" | "stream" | "export" | "backup" | "run";

interface CostlyRoute {
  method: "GET" | "POST";
  /** Template as in the table of all routes; its last part may be `*`. */
  path: string;
  work: CostlyWork;
}

/**
 * What a server that is short of memory turns away. A run that is claimed is cloned and asks its model at once, so it waits in the queue.
 * Heartbeats, events and results of runs are not here: they end work, and what they bring is kept nowhere else for long. Git
 * is not here either, as its refusals are written for git (see brokers/broker-routes.ts).
 */
export const COSTLY_ROUTES: readonly CostlyRoute[] = [
  { method: "POST", path: "/api/llm-proxy/*", work: "model_call" },
  { method: "POST", path: "/api/runner/claim", work: "run" },
  { method: "GET", path: "/api/v1/agent-runs/:id/events/stream", work: "stream" },
  { method: "GET", path: "/api/v1/notifications/stream", work: "stream" },
  { method: "GET", path: "/api/v1/workspaces/:key/changes/stream", work: "stream" },
  { method: "GET", path: "/api/v1/agent-runs/:id/transcript.jsonl", work: "export" },
  { method: "GET", path: "/api/v1/admin/audit/export.jsonl", work: "export" },
  { method: "GET", path: "/api/v1/admin/audit/export.csv", work: "export" },
  { method: "GET", path: "/api/v1/workspaces/:key/audit/export.jsonl", work: "export" },
  { method: "GET", path: "/api/v1/workspaces/:key/audit/export.csv", work: "export" },
  { method: "POST", path: "/api/v1/admin/backups", work: "backup" },
  { method: "GET", path: "/api/v1/admin/backups/:backup/download", work: "backup" },
];

const MATCHERS = COSTLY_ROUTES.map((route) => ({
  route,
  pattern: new RegExp(
    `^${route.path.replaceAll(/[.]/g, "\\.").replaceAll(/:\w+/g, "[^/]+").replace(/\*$/, ".*")}$`,
  ),
}));

/** @param path of an address, without its query */
export function findCostly(method: string, path: string): CostlyRoute | undefined {
  return MATCHERS.find(({ route, pattern }) => route.method === method && pattern.test(path))?.route;
}
