import type { Label, LabelList, LabelPatch, NewLabel } from "@windshift/contract/api/label.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { LABELS_MAX } from "@windshift/contract/limits.ts";
import type { Database, Queries } from "../db/database.ts";
import type { Scope } from "../http/access.ts";
import { parseRowId } from "../http/params.ts";
import { workspaceScope } from "../workspaces/workspace-store.ts";

/** Scope of paths with a `{key}` and a `{label}` of that workspace. */
export const labelScope: Scope = async (db, params) => {
  const place = await workspaceScope(db, params);
  const id = parseRowId(params.label);
  if (place === undefined || id === undefined) return undefined;
  const row = await db
    .selectFrom("labels")
    .select("id")
    .where("id", "=", id)
    .where("workspace_id", "=", place.workspaceId)
    .executeTakeFirst();
  return row && place;
};

/** By name, each with how many items of the lists have it. */
export async function listLabels(db: Queries, workspaceId: number): Promise<LabelList["labels"]> {
  const rows = await db
    .selectFrom("labels")
    .leftJoin("item_labels", "item_labels.label_id", "labels.id")
    .leftJoin("work_items", (join) =>
      join.onRef("work_items.id", "=", "item_labels.work_item_id").on("work_items.hidden", "=", 0),
    )
    .select(["labels.id", "labels.name", "labels.color"])
    .select((eb) => eb.fn.count<number>("work_items.id").as("items_count"))
    .where("labels.workspace_id", "=", workspaceId)
    .groupBy(["labels.id", "labels.name", "labels.color", "labels.name_key"])
    .orderBy("labels.name_key")
    .execute();
  return rows;
}

/** @throws AppError `conflict` when the name is taken or there are LABELS_MAX already */
export async function createLabel(database: Database, workspaceId: number, label: NewLabel): Promise<Label> {
  return database.transaction(async (tx) => {
    await lockLabels(tx, workspaceId);
    const { count } = await tx
      .selectFrom("labels")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("workspace_id", "=", workspaceId)
      .executeTakeFirstOrThrow();
    if (count >= LABELS_MAX)
      throw new AppError("conflict", `a workspace has at most ${LABELS_MAX} labels; delete one first`);
    const row = await tx
      .insertInto("labels")
      .values({
        workspace_id: workspaceId,
        name: label.name,
        name_key: keyOf(label.name),
        color: label.color,
        created_at_ms: Date.now(),
      })
      .onConflict((oc) => oc.columns(["workspace_id", "name_key"]).doNothing())
      .returning(["id", "name", "color"])
      .executeTakeFirst();
    if (row === undefined) throw nameTaken(label.name);
    return row;
  });
}

/** @throws AppError `conflict` when the name is taken */
export async function changeLabel(
  database: Database,
  workspaceId: number,
  id: number,
  patch: LabelPatch,
): Promise<Label> {
  return database.transaction(async (tx) => {
    if (patch.name !== undefined) {
      await lockLabels(tx, workspaceId);
      const other = await tx
        .selectFrom("labels")
        .select("id")
        .where("workspace_id", "=", workspaceId)
        .where("name_key", "=", keyOf(patch.name))
        .where("id", "!=", id)
        .executeTakeFirst();
      if (other !== undefined) throw nameTaken(patch.name);
    }
    const changes = {
      ...(patch.name === undefined ? {} : { name: patch.name, name_key: keyOf(patch.name) }),
      ...(patch.color === undefined ? {} : { color: patch.color }),
    };
    if (Object.keys(changes).length > 0)
      await tx.updateTable("labels").set(changes).where("id", "=", id).execute();
    const row = await tx
      .selectFrom("labels")
      .select(["id", "name", "color"])
      .where("id", "=", id)
      .executeTakeFirst();
    if (row === undefined) throw new AppError("not_found", "not found");
    return row;
  });
}

/** Takes it off all items as well. */
export async function deleteLabel(db: Queries, id: number): Promise<void> {
  await db.deleteFrom("labels").where("id", "=", id).execute();
}

/** Whoever else adds or renames one waits: the count and the names hold at the end as well. */
async function lockLabels(tx: Queries, workspaceId: number): Promise<void> {
  await tx
    .updateTable("workspaces")
    .set((eb) => ({ name: eb.ref("name") }))
    .where("id", "=", workspaceId)
    .execute();
}

function keyOf(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

function nameTaken(name: string): AppError {
  const message = `there is a label ${name} already`;
  return new AppError("conflict", `name: ${message}`, { details: [{ path: "name", message }] });
}
