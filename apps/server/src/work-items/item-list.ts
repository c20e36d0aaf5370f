import type { WorkItem } from "@windshift/contract/api/work-item.ts";
import { type ItemQuery, type ItemSort, WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { type ExpressionBuilder, type ExpressionWrapper, type SqlBool, sql } from "kysely";
import type { Database, Engine, Queries } from "../db/database.ts";
import type { Schema } from "../db/schema.ts";
import { contains, searchWords, withinSearchTime } from "../db/text-search.ts";
import { type ItemCursor, parseCursor, printCursor } from "./item-cursor.ts";
import { searchInOrder } from "./item-search.ts";
import { viewItems } from "./item-view.ts";
import { rankOf } from "./priority.ts";

/** Whose items are looked through, and who looks. */
export interface ItemListScope {
  workspaceIds: readonly number[];
  /** Stands for `me`. */
  userId: string;
}

export interface ItemListPage {
  sort: ItemSort;
  order: "asc" | "desc";
  before: string | undefined;
  limit: number;
}

const COLUMNS = { updated: "work_items.updated_at_ms", priority: "work_items.priority" } as const;

/** A page of the items a query finds. The page's size bounds what is read of each; what is left out takes no time. */
export async function listItems(
  database: Database,
  scope: ItemListScope,
  query: ItemQuery,
  page: ItemListPage,
): Promise<{ items: WorkItem[]; next_before: string | null }> {
  if (scope.workspaceIds.length === 0) return { items: [], next_before: null };
  const { sort, order, before, limit } = page;
  const cursor = before === undefined ? undefined : parseCursor(sort, before);
  const found = await find(database, query, limit, async (db, filter, after = cursor, count) => {
    let select = (await filtered(db, database.engine, scope, filter)).select([
      "work_items.id",
      sort === "created" ? sql<number>`0`.as("value") : sql.ref<number>(COLUMNS[sort]).as("value"),
    ]);
    if (after !== undefined) select = select.where(beyond(sort, order, after));
    if (sort !== "created") select = select.orderBy(COLUMNS[sort], order);
    return select.orderBy("work_items.id", order).limit(count).execute();
  });
  const last = found.length === limit ? found.at(-1) : undefined;
  return {
    items: await viewItems(
      database.kysely,
      found.map(({ id }) => id),
    ),
    next_before: last ? printCursor(sort, last) : null,
  };
}

/** How many items of each status a query finds, whatever status it asks for. */
export async function countItems(
  database: Database,
  scope: ItemListScope,
  query: ItemQuery,
): Promise<Record<WorkItemStatus, number>> {
  const counts = await (database.engine === "sqlite" && query.q !== undefined
    ? countFound(database, scope, query)
    : countByStatus(database, scope, query));
  const all = WorkItemStatus.options.map((status) => [status, counts.get(status) ?? 0]);
  return Object.fromEntries(all) as Record<WorkItemStatus, number>;
}

async function countByStatus(
  database: Database,
  scope: ItemListScope,
  query: ItemQuery,
): Promise<Map<string, number>> {
  const rows = await within(database, query, async (db) =>
    (await filtered(db, database.engine, scope, { ...query, status: undefined }))
      .select(["work_items.status", (eb) => eb.fn.countAll<number>().as("count")])
      .groupBy("work_items.status")
      .execute(),
  );
  return new Map(rows.map(({ status, count }) => [status, count]));
}

async function countFound(
  { kysely, engine }: Database,
  scope: ItemListScope,
  query: ItemQuery,
): Promise<Map<string, number>> {
  type Counted = { id: number; status: string };
  const filter = { ...query, status: undefined, q: undefined };
  const next = async (after: Counted | undefined, count: number): Promise<Counted[]> => {
    let select = (await filtered(kysely, engine, scope, filter)).select([
      "work_items.id",
      "work_items.status",
    ]);
    if (after !== undefined) select = select.where("work_items.id", ">", after.id);
    return select.orderBy("work_items.id").limit(count).execute();
  };
  const found = await searchInOrder(kysely, searchWords(query.q ?? ""), Number.POSITIVE_INFINITY, next);
  const counts = new Map<string, number>();
  for (const { status } of found) counts.set(status, (counts.get(status) ?? 0) + 1);
  return counts;
}

/** Rows of an order, by what gives those after a row; where words are looked for, they hold nobody up. */
function find(
  database: Database,
  query: ItemQuery,
  limit: number,
  next: (
    db: Queries,
    query: ItemQuery,
    after: ItemCursor | undefined,
    count: number,
  ) => Promise<ItemCursor[]>,
): Promise<ItemCursor[]> {
  const { kysely, engine } = database;
  const words = searchWords(query.q ?? "");
  if (engine === "postgres" || words.length === 0)
    return within(database, query, (db) => next(db, query, undefined, limit));
  const filter = { ...query, q: undefined };
  return searchInOrder(kysely, words, limit, (after, count) => next(kysely, filter, after, count));
}

function within<T>(database: Database, { q }: ItemQuery, work: (db: Queries) => Promise<T>): Promise<T> {
  return q === undefined ? work(database.kysely) : withinSearchTime(database, work);
}

/** Behind the cursor, in one comparison of pairs that the order's index answers. */
function beyond(sort: ItemSort, order: "asc" | "desc", { value, id }: ItemCursor) {
  const sign = sql.raw(order === "desc" ? "<" : ">");
  return sort === "created"
    ? sql<SqlBool>`work_items.id ${sign} ${id}`
    : sql<SqlBool>`(${sql.ref(COLUMNS[sort])}, work_items.id) ${sign} (${value}, ${id})`;
}

/** The items a query finds, in no order yet. */
async function filtered(db: Queries, engine: Engine, scope: ItemListScope, query: ItemQuery) {
  const parents = await findParents(db, scope, query.parent ?? []);
  let select = db.selectFrom("work_items").where("work_items.hidden", "=", 0);
  const [only] = scope.workspaceIds;
  // An equality and not a list of one: only then is the order's index used.
  select =
    scope.workspaceIds.length === 1 && only !== undefined
      ? select.where("work_items.workspace_id", "=", only)
      : select.where("work_items.workspace_id", "in", scope.workspaceIds);
  if (query.status?.length) select = select.where("work_items.status", "in", query.status);
  if (query.priority?.length) select = select.where("work_items.priority", "in", query.priority.map(rankOf));
  if (query.creator?.length)
    select = select.where("work_items.creator_id", "in", people(query.creator, scope));
  if (query.assignee?.length) select = select.where((eb) => assigned(eb, query.assignee ?? [], scope));
  if (query.label?.length) select = select.where((eb) => labelled(eb, query.label ?? []));
  if (query.parent?.length)
    select = select.where((eb) =>
      anyOf(eb, [
        ...(query.parent?.includes("none") ? [eb("work_items.parent_id", "is", null)] : []),
        ...(parents.length > 0 ? [eb("work_items.parent_id", "in", parents)] : []),
      ]),
    );
  const words = searchWords(query.q ?? "");
  if (words.length > 0) select = select.where((eb) => eb.exists(holdsAll(eb, engine, words)));
  return select;
}

type ItemExpressions = ExpressionBuilder<Schema, "work_items">;
type Condition = ExpressionWrapper<Schema, "work_items", SqlBool>;

function people(values: readonly string[], { userId }: ItemListScope): string[] {
  return values.map((value) => (value === "me" ? userId : value));
}

function assigned(eb: ItemExpressions, values: readonly string[], scope: ItemListScope) {
  const ids = people(
    values.filter((value) => value !== "none"),
    scope,
  );
  return anyOf(eb, [
    ...(values.includes("none") ? [eb("work_items.assignee_id", "is", null)] : []),
    ...(ids.length > 0 ? [eb("work_items.assignee_id", "in", ids)] : []),
  ]);
}

function labelled(eb: ItemExpressions, values: readonly string[]) {
  const ids = values.filter((value) => value !== "none").map(Number);
  const labelsOf = eb
    .selectFrom("item_labels")
    .select("item_labels.label_id")
    .whereRef("item_labels.work_item_id", "=", "work_items.id");
  return anyOf(eb, [
    ...(values.includes("none") ? [eb.not(eb.exists(labelsOf))] : []),
    ...(ids.length > 0 ? [eb.exists(labelsOf.where("item_labels.label_id", "in", ids))] : []),
  ]);
}

/** The text of an item in which all words are; it is read once. */
function holdsAll(eb: ItemExpressions, engine: Engine, words: readonly string[]) {
  const text = eb
    .selectFrom("item_search")
    .select("item_search.work_item_id")
    .whereRef("item_search.work_item_id", "=", "work_items.id");
  return words.reduce(
    (found, word) => found.where(contains(engine, sql.ref("item_search.text"), word)),
    text,
  );
}

/** One of the conditions; never, where there is none. */
function anyOf(eb: ItemExpressions, conditions: readonly Condition[]) {
  return conditions.length === 0 ? sql<SqlBool>`1 = 0` : eb.or([...conditions]);
}

/** Ids of the items that keys name; keys of workspaces that are not looked through name nothing. */
async function findParents(db: Queries, scope: ItemListScope, keys: readonly string[]): Promise<number[]> {
  const named = keys.filter((key) => key !== "none").map((key) => key.split("-"));
  if (named.length === 0) return [];
  const rows = await db
    .selectFrom("work_items")
    .innerJoin("workspaces", "workspaces.id", "work_items.workspace_id")
    .select("work_items.id")
    .where("work_items.workspace_id", "in", scope.workspaceIds)
    .where((eb) =>
      eb.or(
        named.map(([workspace = "", number]) =>
          eb.and([eb("workspaces.key", "=", workspace), eb("work_items.number", "=", Number(number))]),
        ),
      ),
    )
    .execute();
  return rows.map(({ id }) => id);
}
