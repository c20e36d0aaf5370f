import type { WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { type RawBuilder, sql } from "kysely";
import { afterCommit } from "../db/after-commit.ts";
import type { Database, Queries } from "../db/database.ts";
import { recordActivity } from "./activity-store.ts";

/** `updated_at_ms` of an item that changes now: later than before, also where two servers' clocks differ. */
export function nextUpdate(): RawBuilder<number> {
  const now = Date.now();
  return sql<number>`case when updated_at_ms >= ${now} then updated_at_ms + 1 else ${now} end`;
}

/** Wakes those who have a list of the workspace open, once the change is stored. */
export function announceItems(database: Database, tx: Queries, workspaceId: number): void {
  afterCommit(tx, () => void database.signals.notify(`workspace:${workspaceId}`));
}

/**
 * Moves an item to another status because of what happened elsewhere, and notes it.
 * @param from only from one of these: where a person moved it meanwhile it stays
 * @param by who did what led to it; null when a forge did
 * @returns whether it was moved
 */
export async function moveItem(
  database: Database,
  tx: Queries,
  move: {
    workItemId: number;
    from: readonly WorkItemStatus[];
    to: WorkItemStatus;
    by: string | null;
    runId?: number | null;
  },
): Promise<boolean> {
  const { workItemId, from, to, by, runId } = move;
  for (const status of from) {
    const row = await tx
      .updateTable("work_items")
      .set({ status: to, updated_at_ms: nextUpdate() })
      .where("id", "=", workItemId)
      .where("status", "=", status)
      .returning("workspace_id")
      .executeTakeFirst();
    if (row === undefined) continue;
    const change = { kind: "status" as const, from: status, to };
    await recordActivity(tx, [
      { workspaceId: row.workspace_id, workItemId, actorId: by, runId: runId ?? null, change },
    ]);
    announceItems(database, tx, row.workspace_id);
    return true;
  }
  return false;
}
