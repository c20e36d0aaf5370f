import { RunId } from "@windshift/contract/ids.ts";
import type { Queries } from "../db/database.ts";
import type { Scope } from "../http/access.ts";

/** The path's `{id}` names a run; undefined for what cannot be one. */
export function runIdOf(params: Record<string, string>): RunId | undefined {
  const text = params.id ?? "";
  const parsed = RunId.safeParse(/^[1-9][0-9]*$/.test(text) ? Number(text) : Number.NaN);
  return parsed.success ? parsed.data : undefined;
}

/** Finds the run in the path and its workspace. Without `workItemId`: a run's own token opens only what is for the run itself. */
export const runScope: Scope = async (db: Queries, params) => {
  const id = runIdOf(params);
  if (id === undefined) return undefined;
  const row = await db.selectFrom("runs").select("workspace_id").where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : { workspaceId: row.workspace_id, runId: id };
};
