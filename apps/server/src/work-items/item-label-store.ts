import type { Label } from "@windshift/contract/api/label.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { Queries } from "../db/database.ts";
import { labelsOf } from "./item-view.ts";

/**
 * Gives an item exactly these labels.
 * @returns what changed
 * @throws AppError `invalid_input` when one is not a label of the workspace
 */
export async function setItemLabels(
  tx: Queries,
  item: { id: number; workspaceId: number },
  labelIds: readonly number[],
): Promise<{ added: Label[]; removed: Label[] }> {
  const had = (await labelsOf(tx, [item.id])).get(item.id) ?? [];
  const wanted = [...new Set(labelIds)];
  const known = await findLabels(tx, item.workspaceId, wanted);
  const added = known.filter(({ id }) => !had.some((label) => label.id === id));
  const removed = had.filter(({ id }) => !wanted.includes(id));
  if (removed.length > 0)
    await tx
      .deleteFrom("item_labels")
      .where("work_item_id", "=", item.id)
      .where(
        "label_id",
        "in",
        removed.map(({ id }) => id),
      )
      .execute();
  if (added.length > 0)
    await tx
      .insertInto("item_labels")
      .values(added.map(({ id }) => ({ work_item_id: item.id, label_id: id })))
      .onConflict((oc) => oc.doNothing())
      .execute();
  return { added, removed };
}

async function findLabels(tx: Queries, workspaceId: number, ids: readonly number[]): Promise<Label[]> {
  if (ids.length === 0) return [];
  const labels = await tx
    .selectFrom("labels")
    .select(["id", "name", "color"])
    .where("workspace_id", "=", workspaceId)
    .where("id", "in", ids)
    .orderBy("name_key")
    .execute();
  const missing = ids.find((id) => !labels.some((label) => label.id === id));
  if (missing === undefined) return labels;
  const message = `${missing} is no label of this workspace`;
  throw new AppError("invalid_input", `label_ids: ${message}`, { details: [{ path: "label_ids", message }] });
}
