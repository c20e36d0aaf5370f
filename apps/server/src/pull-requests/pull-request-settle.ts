import type { PullRequestState } from "@windshift/contract/api/pull-request.ts";
import { moveItem } from "../activity/item-change.ts";
import type { Database, Queries } from "../db/database.ts";

/**
 * A merged pull request ends the work on its item, unless a person has moved the item elsewhere.
 * @param by who merged it; null when that was on a forge
 */
export async function settleItem(
  database: Database,
  tx: Queries,
  workItemId: number,
  state: PullRequestState,
  by: string | null,
): Promise<void> {
  if (state !== "merged") return;
  await moveItem(database, tx, {
    workItemId,
    from: ["todo", "in_progress", "in_review"],
    to: "done",
    by,
  });
}
