import type { AgentRunPage } from "@windshift/contract/api/run.ts";
import type { RunStatus, TriggerKind } from "@windshift/contract/run.ts";
import type { Database, Queries } from "../db/database.ts";
import { parseRun, RUN_COLUMNS } from "./run.ts";
import { viewRuns } from "./run-view.ts";

export interface RunFilter {
  /** Of one workspace or item; or those a person asked for, in the workspaces they are in. */
  of: { workspaceId: number } | { workItemId: number } | { requestedBy: string };
  status?: readonly RunStatus[] | undefined;
  agent?: string | undefined;
  /** Without one, all but test runs: those are for who looks for them, or at the item of one. */
  trigger?: TriggerKind | undefined;
  /** Only runs numbered below. */
  before?: number | undefined;
  limit: number;
}

/** Newest first. */
export async function listRuns(database: Database, filter: RunFilter): Promise<AgentRunPage> {
  const runs = (await selectRuns(database.kysely, filter)).map(parseRun);
  const last = runs.length === filter.limit ? runs.at(-1) : undefined;
  return { runs: await viewRuns(database, runs), next_before: last?.id ?? null };
}

function selectRuns(db: Queries, { of, status, agent, trigger, before, limit }: RunFilter) {
  let query = db.selectFrom("runs").select(RUN_COLUMNS);
  if ("workspaceId" in of) query = query.where("runs.workspace_id", "=", of.workspaceId);
  else if ("workItemId" in of) query = query.where("runs.work_item_id", "=", of.workItemId);
  else
    query = query
      .where("runs.requested_by", "=", of.requestedBy)
      .where("runs.workspace_id", "in", (eb) =>
        eb.selectFrom("memberships").select("workspace_id").where("user_id", "=", of.requestedBy),
      );
  if (status !== undefined) query = query.where("runs.status", "in", status);
  if (agent !== undefined) query = query.where("runs.agent_user_id", "=", agent);
  if (trigger !== undefined) query = query.where("runs.trigger_kind", "=", trigger);
  else if (!("workItemId" in of)) query = query.where("runs.trigger_kind", "!=", "test");
  if (before !== undefined) query = query.where("runs.id", "<", before);
  return query.orderBy("runs.id", "desc").limit(limit).execute();
}
