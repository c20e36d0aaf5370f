import { UserKind } from "@windshift/contract/api/user.ts";
import { type NewView, type SavedView, ViewLayout, type ViewPatch } from "@windshift/contract/api/view.ts";
import { ItemQuery } from "@windshift/contract/api/work-item.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { VIEWS_MAX } from "@windshift/contract/limits.ts";
import type { Database, Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import type { Scope } from "../http/access.ts";
import { isoTime } from "../http/json.ts";
import { parseRowId } from "../http/params.ts";

/** Scope of paths with a `{view}`. */
export const viewScope: Scope = async (db, params) => {
  const id = parseRowId(params.view);
  const row = id === undefined ? undefined : await findView(db, id);
  return row && { workspaceId: row.workspace_id };
};

/** As it is stored. @returns undefined when there is none */
export function findView(db: Queries, id: number): Promise<Row<"saved_views"> | undefined> {
  return db.selectFrom("saved_views").selectAll().where("id", "=", id).executeTakeFirst();
}

/** A person's own and those that are shared, by name. */
export async function listViews(db: Queries, workspaceId: number, userId: string): Promise<SavedView[]> {
  const rows = await selectViews(db)
    .where("saved_views.workspace_id", "=", workspaceId)
    .where((eb) => eb.or([eb("saved_views.shared", "=", 1), eb("saved_views.owner_id", "=", userId)]))
    .orderBy("saved_views.name")
    .orderBy("saved_views.id")
    .execute();
  return rows.map(toView);
}

/** A view as the API shows it. Rejects when it is not there. */
export async function getView(db: Queries, id: number): Promise<SavedView> {
  return toView(await selectViews(db).where("saved_views.id", "=", id).executeTakeFirstOrThrow());
}

/**
 * @returns its id
 * @throws AppError `conflict` when the owner has VIEWS_MAX of the workspace
 */
export async function createView(
  database: Database,
  place: { workspaceId: number; ownerId: string },
  view: NewView,
): Promise<number> {
  return database.transaction(async (tx) => {
    const { count } = await tx
      .selectFrom("saved_views")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("workspace_id", "=", place.workspaceId)
      .where("owner_id", "=", place.ownerId)
      .executeTakeFirstOrThrow();
    if (count >= VIEWS_MAX)
      throw new AppError("conflict", `you have ${VIEWS_MAX} views in this workspace; delete one first`);
    const now = Date.now();
    const { id } = await tx
      .insertInto("saved_views")
      .values({
        workspace_id: place.workspaceId,
        owner_id: place.ownerId,
        name: view.name,
        layout: view.layout,
        query: JSON.stringify(view.query),
        shared: view.shared ? 1 : 0,
        created_at_ms: now,
        updated_at_ms: now,
      })
      .returning("id")
      .executeTakeFirstOrThrow();
    return id;
  });
}

/** Changes what the patch names and leaves the rest. */
export async function changeView(db: Queries, id: number, patch: ViewPatch): Promise<void> {
  const { name, layout, query, shared } = patch;
  await db
    .updateTable("saved_views")
    .set({
      updated_at_ms: Date.now(),
      ...(name === undefined ? {} : { name }),
      ...(layout === undefined ? {} : { layout }),
      ...(query === undefined ? {} : { query: JSON.stringify(query) }),
      ...(shared === undefined ? {} : { shared: shared ? 1 : 0 }),
    })
    .where("id", "=", id)
    .execute();
}

/** It need not be there any more. */
export async function deleteView(db: Queries, id: number): Promise<void> {
  await db.deleteFrom("saved_views").where("id", "=", id).execute();
}

function selectViews(db: Queries) {
  return db
    .selectFrom("saved_views")
    .innerJoin("user", "user.id", "saved_views.owner_id")
    .selectAll("saved_views")
    .select(["user.name as owner_name", "user.kind as owner_kind"]);
}

type ViewRow = NonNullable<Awaited<ReturnType<ReturnType<typeof selectViews>["executeTakeFirst"]>>>;

function toView(row: ViewRow): SavedView {
  return {
    id: row.id,
    name: row.name,
    layout: ViewLayout.parse(row.layout),
    query: ItemQuery.parse(JSON.parse(row.query)),
    shared: row.shared === 1,
    owner: { id: row.owner_id, name: row.owner_name, kind: UserKind.parse(row.owner_kind) },
    updated_at: isoTime(row.updated_at_ms),
  };
}
