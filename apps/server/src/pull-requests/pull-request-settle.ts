import type { PullRequestState } from "@windshift/contract/api/pull-request.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";

/** A merged pull request ends the work on its item, unless a person has moved the item elsewhere. */
export async function settleItem(
  database: Database,
  tx: Queries,
  workItemId: number,
  state: PullRequestState,
): Promise<void> {
  if (state !== "merged") return;
  await tx
    .updateTable("work_items")
    .set({ status: "done", updated_at_ms: dbNowMs(database.engine) })
    .where("id", "=", workItemId)
    .where("status", "in", ["todo", "in_progress", "in_review"])
    .execute();
}
