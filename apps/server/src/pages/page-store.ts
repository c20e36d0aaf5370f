import type { Page, PageDetail, PageList, PageVersion, PageVersions } from "@windshift/contract/api/page.ts";
import { UserKind, type UserRef } from "@windshift/contract/api/user.ts";
import { type ItemRef, WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { Database, Queries } from "../db/database.ts";
import { findNewestFirst, type IdWindow } from "../db/newest-first.ts";
import type { Row } from "../db/schema.ts";
import { contains, WINDOWED_SEARCH_MS_MAX, withinSearchTime } from "../db/text-search.ts";
import type { Scope } from "../http/access.ts";
import { isoTime } from "../http/json.ts";
import { parseRowId } from "../http/params.ts";

/** Items that a page names as linked to it: more than a reader looks through. */
const BACKLINKS_MAX = 200;

/** Ids of pages that one statement looks through in SQLite: some milliseconds, as texts of pages are long. */
const WINDOW_PAGES = 100;

/** Scope of paths with a `{page}`. */
export const pageScope: Scope = async (db, params) => {
  const id = parseRowId(params.page);
  if (id === undefined) return undefined;
  const row = await db.selectFrom("pages").select("workspace_id").where("id", "=", id).executeTakeFirst();
  return row && { workspaceId: row.workspace_id };
};

/** Newest first. @param words what all of them are in is found; see search-text.ts */
export async function listPages(
  database: Database,
  workspaceId: number,
  filter: { words: readonly string[]; before: number | undefined; limit: number },
): Promise<PageList> {
  const { words, before, limit } = filter;
  const search = (db: Queries, most: number, window?: IdWindow) => {
    let query = selectPages(db).where("pages.workspace_id", "=", workspaceId);
    if (before !== undefined) query = query.where("pages.id", "<", before);
    if (window !== undefined)
      query = query.where("pages.id", ">=", window.from).where("pages.id", "<=", window.to);
    for (const word of words)
      query = query.where((eb) => contains(database.engine, eb.ref("pages.search_text"), word));
    return query.orderBy("pages.id", "desc").limit(most).execute();
  };
  const rows = await (words.length === 0
    ? search(database.kysely, limit)
    : searchNewestFirst(database, workspaceId, limit, search));
  const pages = rows.map(toPage);
  return { pages, next_before: pages.length === limit ? (pages.at(-1)?.id ?? null) : null };
}

/** A search holds nobody up: SQLite goes through the pages window by window, PostgreSQL has its own processes. */
async function searchNewestFirst<T>(
  database: Database,
  workspaceId: number,
  limit: number,
  search: (db: Queries, most: number, window?: IdWindow) => Promise<T[]>,
): Promise<T[]> {
  if (database.engine === "postgres") return withinSearchTime(database, (db) => search(db, limit));
  const newest = await database.kysely
    .selectFrom("pages")
    .select((eb) => eb.fn.max("id").as("id"))
    .where("workspace_id", "=", workspaceId)
    .executeTakeFirst();
  return findNewestFirst(
    { to: newest?.id ?? 0, limit, withinMs: WINDOWED_SEARCH_MS_MAX, ids: WINDOW_PAGES },
    (window, most) => search(database.kysely, most, window),
  );
}

/** Pages that are linked to an item, by title. */
export async function listPagesOfItem(db: Queries, workItemId: number): Promise<Page[]> {
  const rows = await selectPages(db)
    .innerJoin("item_pages", "item_pages.page_id", "pages.id")
    .where("item_pages.work_item_id", "=", workItemId)
    .orderBy("pages.title")
    .orderBy("pages.id")
    .execute();
  return rows.map(toPage);
}

/** @throws AppError `not_found` */
export async function getPage(db: Queries, id: number): Promise<PageDetail> {
  const row = await selectPages(db).select("pages.body").where("pages.id", "=", id).executeTakeFirst();
  if (row === undefined) throw new AppError("not_found", "not found");
  return { ...toPage(row), body: row.body, backlinks: await listBacklinks(db, id) };
}

/** The page as it is stored, held until the transaction ends. @throws AppError `not_found` */
export async function lockPage(database: Database, tx: Queries, id: number): Promise<Row<"pages">> {
  const select = tx.selectFrom("pages").selectAll().where("id", "=", id);
  const row = await (database.engine === "postgres" ? select.forUpdate() : select).executeTakeFirst();
  if (row === undefined) throw new AppError("not_found", "not found");
  return row;
}

/** Newest first. */
export async function listVersions(db: Queries, pageId: number): Promise<PageVersions["versions"]> {
  const rows = await selectVersions(db)
    .where("page_id", "=", pageId)
    .orderBy("page_versions.version", "desc")
    .execute();
  return rows.map((row) => toVersion(row));
}

/** @throws AppError `not_found` for one that never was, or is not kept any more */
export async function getVersion(db: Queries, pageId: number, version: number): Promise<PageVersion> {
  const row = await selectVersions(db)
    .select("page_versions.body")
    .where("page_id", "=", pageId)
    .where("page_versions.version", "=", version)
    .executeTakeFirst();
  if (row === undefined) throw new AppError("not_found", "not found");
  return { ...toVersion(row), body: row.body };
}

function selectPages(db: Queries) {
  return db
    .selectFrom("pages")
    .innerJoin("workspaces", "workspaces.id", "pages.workspace_id")
    .innerJoin("user as creator", "creator.id", "pages.creator_id")
    .innerJoin("user as editor", "editor.id", "pages.editor_id")
    .select([
      "pages.id",
      "pages.title",
      "pages.parent_id",
      "pages.version",
      "pages.created_at_ms",
      "pages.updated_at_ms",
      "workspaces.key as workspace",
      "creator.id as creator_id",
      "creator.name as creator_name",
      "creator.kind as creator_kind",
      "editor.id as editor_id",
      "editor.name as editor_name",
      "editor.kind as editor_kind",
    ]);
}

type PageRow = NonNullable<Awaited<ReturnType<ReturnType<typeof selectPages>["executeTakeFirst"]>>>;

function toPage(row: PageRow): Page {
  const { id, workspace, title, parent_id, version } = row;
  return {
    id,
    workspace,
    title,
    parent_id,
    version,
    creator: { id: row.creator_id, name: row.creator_name, kind: UserKind.parse(row.creator_kind) },
    editor: editorOf(row),
    created_at: isoTime(row.created_at_ms),
    updated_at: isoTime(row.updated_at_ms),
  };
}

function selectVersions(db: Queries) {
  return db
    .selectFrom("page_versions")
    .innerJoin("user as editor", "editor.id", "page_versions.editor_id")
    .select([
      "page_versions.version",
      "page_versions.title",
      "page_versions.created_at_ms",
      "editor.id as editor_id",
      "editor.name as editor_name",
      "editor.kind as editor_kind",
    ]);
}

type VersionRow = NonNullable<Awaited<ReturnType<ReturnType<typeof selectVersions>["executeTakeFirst"]>>>;

function toVersion(row: VersionRow): PageVersions["versions"][number] {
  const { version, title } = row;
  return { version, title, editor: editorOf(row), created_at: isoTime(row.created_at_ms) };
}

function editorOf(row: { editor_id: string; editor_name: string; editor_kind: string }): UserRef {
  return { id: row.editor_id, name: row.editor_name, kind: UserKind.parse(row.editor_kind) };
}

/** Newest first. */
async function listBacklinks(db: Queries, pageId: number): Promise<ItemRef[]> {
  const rows = await db
    .selectFrom("item_pages")
    .innerJoin("work_items", "work_items.id", "item_pages.work_item_id")
    .innerJoin("workspaces", "workspaces.id", "work_items.workspace_id")
    .select(["workspaces.key", "work_items.number", "work_items.title", "work_items.status"])
    .where("item_pages.page_id", "=", pageId)
    .where("work_items.hidden", "=", 0)
    .orderBy("work_items.id", "desc")
    .limit(BACKLINKS_MAX)
    .execute();
  return rows.map(({ key, number, title, status }) => ({
    key: `${key}-${number}`,
    title,
    status: WorkItemStatus.parse(status),
  }));
}
