import type { NewPage, PagePatch } from "@windshift/contract/api/page.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { PAGE_VERSIONS_MAX, PAGES_MAX } from "@windshift/contract/limits.ts";
import type { Database, Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { searchable } from "../db/text-search.ts";
import type { Grant } from "../http/access.ts";
import { lockPageTree, requireParent } from "./page-parent.ts";
import { lockPage } from "./page-store.ts";

/**
 * Makes a page, with its first version.
 * @returns its id
 * @throws AppError `invalid_input` for a parent that cannot be one; `conflict` when the workspace has PAGES_MAX
 */
export async function createPage(
  database: Database,
  place: { workspaceId: number; creatorId: string },
  page: NewPage,
): Promise<number> {
  const { workspaceId, creatorId } = place;
  return database.transaction(async (tx) => {
    await lockPageTree(tx, workspaceId);
    await requireParent(tx, workspaceId, page.parent_id, undefined);
    const { count } = await tx
      .selectFrom("pages")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("workspace_id", "=", workspaceId)
      .executeTakeFirstOrThrow();
    if (count >= PAGES_MAX)
      throw new AppError("conflict", `a workspace has at most ${PAGES_MAX} pages; delete one first`);
    const { title, body, parent_id } = page;
    const now = Date.now();
    const { id } = await tx
      .insertInto("pages")
      .values({
        workspace_id: workspaceId,
        parent_id,
        title,
        body,
        search_text: searchable(`${title}\n${body}`),
        version: 1,
        creator_id: creatorId,
        editor_id: creatorId,
        created_at_ms: now,
        updated_at_ms: now,
      })
      .returning("id")
      .executeTakeFirstOrThrow();
    await keepVersion(tx, { id, version: 1, title, body, editor: creatorId, atMs: now });
    return id;
  });
}

/**
 * Changes what the patch names; a change of title or text is a new version.
 * @throws AppError `conflict` that holds what is there now, when there is a newer version than the writer had
 */
export async function changePage(
  database: Database,
  place: { workspaceId: number; pageId: number },
  patch: PagePatch,
  by: string,
): Promise<void> {
  const { workspaceId, pageId } = place;
  await database.transaction(async (tx) => {
    if (patch.parent_id !== undefined) await lockPageTree(tx, workspaceId);
    const before = await lockPage(database, tx, pageId);
    requireVersion(before, patch);
    if (patch.parent_id !== undefined && patch.parent_id !== before.parent_id) {
      await requireParent(tx, workspaceId, patch.parent_id, pageId);
      await tx.updateTable("pages").set({ parent_id: patch.parent_id }).where("id", "=", pageId).execute();
    }
    const { title = before.title, body = before.body } = patch;
    if (title === before.title && body === before.body) return;
    const version = before.version + 1;
    const now = Date.now();
    await tx
      .updateTable("pages")
      .set({
        title,
        body,
        version,
        search_text: searchable(`${title}\n${body}`),
        editor_id: by,
        updated_at_ms: now,
      })
      .where("id", "=", pageId)
      .execute();
    await keepVersion(tx, { id: pageId, version, title, body, editor: by, atMs: now });
  });
}

function requireVersion(before: Row<"pages">, patch: PagePatch): void {
  if (patch.title === undefined && patch.body === undefined) return;
  if (patch.version === undefined) {
    const message = "say which version the change is made to";
    throw new AppError("invalid_input", `version: ${message}`, { details: [{ path: "version", message }] });
  }
  if (patch.version === before.version) return;
  const message = `the page is at version ${before.version} by now; look at it, then save again`;
  throw new AppError("conflict", message, {
    details: [
      { path: "version", message: String(before.version) },
      { path: "title", message: before.title },
      { path: "body", message: before.body },
    ],
  });
}

async function keepVersion(
  tx: Queries,
  page: { id: number; version: number; title: string; body: string; editor: string; atMs: number },
): Promise<void> {
  const { id, version, title, body } = page;
  await tx
    .insertInto("page_versions")
    .values({ page_id: id, version, title, body, editor_id: page.editor, created_at_ms: page.atMs })
    .execute();
  await tx
    .deleteFrom("page_versions")
    .where("page_id", "=", id)
    .where("version", "<=", version - PAGE_VERSIONS_MAX)
    .execute();
}

/**
 * Deletes a page with its versions and links; what lay under it comes to lie where it lay.
 * @throws AppError `forbidden` for who neither made it nor administrates the workspace
 */
export async function deletePage(
  database: Database,
  page: Grant & { pageId: number },
  by: string,
): Promise<void> {
  const { workspaceId, pageId } = page;
  await database.transaction(async (tx) => {
    await lockPageTree(tx, workspaceId);
    const row = await lockPage(database, tx, pageId);
    if (row.creator_id !== by && page.role !== "admin")
      throw new AppError("forbidden", "only who made the page or an admin of the workspace may delete it");
    await tx.updateTable("pages").set({ parent_id: row.parent_id }).where("parent_id", "=", pageId).execute();
    await tx.deleteFrom("pages").where("id", "=", pageId).execute();
  });
}
