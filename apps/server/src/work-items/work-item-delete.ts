import { AppError } from "@windshift/contract/app-error.ts";
import { announceItems, nextUpdate } from "../activity/item-change.ts";
import { record } from "../audit/audit-store.ts";
import type { Database, Queries } from "../db/database.ts";
import type { Grant } from "../http/access.ts";
import { DELETED, lockWorkItem } from "./work-item-store.ts";

/**
 * Deletes an item with its text, comments, links and activity; what lay under it lies under nothing. Its number is not given
 * out again, and its runs stay in the figures of the workspace and in the audit log, without what they were told.
 * @throws AppError `forbidden` for who neither made it nor administrates the workspace; `conflict` while a run of it has not ended
 *   or a pull request is open, whose comments could call the agent again
 */
export async function deleteWorkItem(
  database: Database,
  item: Grant & { workItemId: number },
  by: string,
): Promise<void> {
  const { workItemId, workspaceId } = item;
  await database.transaction(async (tx) => {
    const row = await lockWorkItem(database, tx, workItemId);
    if (row.creator_id !== by && item.role !== "admin")
      throw new AppError("forbidden", "only who made the item or an admin of the workspace may delete it");
    await requireNoRun(tx, workItemId);
    await requireNoPullRequest(tx, workItemId);
    for (const table of [
      "activity",
      "comments",
      "followers",
      "item_labels",
      "item_links",
      "item_pages",
      "item_search",
      "notifications",
    ] as const)
      await tx.deleteFrom(table).where("work_item_id", "=", workItemId).execute();
    await clearRuns(tx, workItemId);
    await tx.updateTable("work_items").set({ parent_id: null }).where("parent_id", "=", workItemId).execute();
    await tx
      .updateTable("work_items")
      .set({
        title: "Deleted item",
        description: "",
        assignee_id: null,
        parent_id: null,
        hidden: DELETED,
        updated_at_ms: nextUpdate(),
      })
      .where("id", "=", workItemId)
      .execute();
    const subject = `work item ${workItemId}`;
    const data = { number: row.number };
    await record(tx, { workspaceId, actor: { user: by }, action: "work_item.deleted", subject, data });
    announceItems(database, tx, workspaceId);
  });
}

/** Prompts hold the text of the item and its comments; messages were comments. */
async function clearRuns(tx: Queries, workItemId: number): Promise<void> {
  await tx
    .updateTable("run_messages")
    .set({ body: "" })
    .where("run_id", "in", (eb) => eb.selectFrom("runs").select("id").where("work_item_id", "=", workItemId))
    .execute();
  await tx
    .updateTable("runs")
    .set({ prompt: "", prompt_notes: "[]" })
    .where("work_item_id", "=", workItemId)
    .execute();
}

/** Nobody starts one meanwhile: who does holds the item. */
async function requireNoRun(tx: Queries, workItemId: number): Promise<void> {
  const run = await tx
    .selectFrom("runs")
    .select("id")
    .where("work_item_id", "=", workItemId)
    .where("status", "in", ["queued", "running", "waiting"])
    .executeTakeFirst();
  if (run !== undefined)
    throw new AppError("conflict", `run ${run.id} of this item has not ended; cancel it first`);
}

async function requireNoPullRequest(tx: Queries, workItemId: number): Promise<void> {
  const open = await tx
    .selectFrom("pull_requests")
    .select("number")
    .where("work_item_id", "=", workItemId)
    .where("state", "=", "open")
    .executeTakeFirst();
  if (open !== undefined)
    throw new AppError(
      "conflict",
      `pull request #${open.number} of this item is open; merge or close it first`,
    );
}
