import { RunId } from "@windshift/contract/ids.ts";
import type { Queries } from "../db/database.ts";
import type { Scope } from "../http/access.ts";

/** The path's `{id}` names a run; undefined for what cannot be one. */
export function runIdOf(params: Record<string, string>): RunId | undefined {
  const text = params.id ?? "";
  const parsed = RunId.safeParse(/^[1-9][0-9]*$/.test(text) ? Number(text) : Number.NaN);
  return parsed.success ? parsed.data : undefined;
}

/**
 * Finds the run in the path and its workspace. Without `workItemId`: a run's own token opens only what is for the run itself. Private
 * test runs, and runs of deleted items, are for admins.
 */
export const runScope: Scope = async (db: Queries, params) => {
  const id = runIdOf(params);
  if (id === undefined) return undefined;
  const row = await db
    .selectFrom("runs")
    .innerJoin("work_items", "work_items.id", "runs.work_item_id")
    .select(["runs.workspace_id", "work_items.hidden"])
    .where("runs.id", "=", id)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return { workspaceId: row.workspace_id, runId: id, leastRole: row.hidden === 0 ? undefined : "admin" };
};
