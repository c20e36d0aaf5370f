import { sql } from "kysely";
import type { Engine } from "../database.ts";
import { addColumns, type Db, identified } from "./columns.ts";
import { createOrLeave, type HotIndex } from "./hot-index.ts";

const FILTERS = ["status", "priority", "assignee_id", "parent_id"];
const filtersBut = (name: string) => FILTERS.filter((filter) => filter !== name);

/** One for each order of a list, with all that its filters look at, so that the rows with their texts are not read for it. */
export const TRACKER_INDEXES: readonly HotIndex[] = [
  { name: "work_items_created", on: "work_items", columns: ["workspace_id", "hidden", "id", ...FILTERS] },
  {
    name: "work_items_updated",
    on: "work_items",
    columns: ["workspace_id", "hidden", "updated_at_ms", "id", ...FILTERS],
  },
  {
    name: "work_items_priority",
    on: "work_items",
    columns: ["workspace_id", "hidden", "priority", "id", ...filtersBut("priority")],
  },
  {
    name: "work_items_assignee",
    on: "work_items",
    columns: ["assignee_id", "workspace_id", "hidden", "updated_at_ms", "id", "status"],
  },
  { name: "work_items_parent", on: "work_items", columns: ["parent_id"] },
  {
    name: "runs_unended",
    on: "runs",
    columns: ["workspace_id", "work_item_id"],
    where: "status in ('queued', 'running', 'waiting')",
  },
];

/** Priority, labels, sub-items, pages, activity, followers, notifications, saved views. */
export async function migrateTracker(db: Db, engine: Engine): Promise<void> {
  await extendItems(db, engine);
  await createSearch(db, engine);
  await createLabels(db, engine);
  await createPages(db, engine);
  await createActivity(db, engine);
  await createNotifications(db, engine);
  await createViews(db, engine);
}

async function extendItems(db: Db, engine: Engine): Promise<void> {
  await addColumns(db, "work_items", [
    ["priority", "integer", 0],
    ["parent_id", "integer"],
    ["hidden", "integer", 0],
    ["text_changed_at_ms", "bigint", 0],
  ]);
  await addColumns(db, "comments", [["edited_at_ms", "bigint"]]);
  for (const index of TRACKER_INDEXES) await createOrLeave(db, engine, index);
}

/**
 * What a search looks through, in small letters. Beside the items, so that a change of status rewrites no text. It is filled
 * after the start, batch by batch, as a large tracker would be locked meanwhile. The database itself notes each item whose text
 * was written, whoever wrote it: a server of the version before knows nothing of this table.
 */
async function createSearch(db: Db, engine: Engine): Promise<void> {
  const ofItem = (name: string) =>
    db.schema
      .createTable(name)
      .addColumn("work_item_id", "integer", (c) =>
        c.primaryKey().references("work_items.id").onDelete("cascade"),
      );
  await ofItem("item_search")
    .addColumn("text", "text", (c) => c.notNull())
    .execute();
  await ofItem("item_search_stale").execute();
  await db.schema
    .createTable("upkeep")
    .addColumn("name", "text", (c) => c.primaryKey())
    .addColumn("done_to", "bigint", (c) => c.notNull())
    .execute();
  if ((await db.selectFrom("work_items").select("id").limit(1).execute()).length > 0)
    await db.insertInto("upkeep").values({ name: "item_search", done_to: 0 }).execute();
  await markStale(db, engine);
}

async function markStale(db: Db, engine: Engine): Promise<void> {
  const changed = "OLD.title is distinct from NEW.title or OLD.description is distinct from NEW.description";
  const moments = [
    ["work_items_search_new", "after insert on work_items for each row"],
    [
      "work_items_search_text",
      `after update of title, description on work_items for each row when (${changed})`,
    ],
  ];
  const insert = "insert into item_search_stale (work_item_id)";
  if (engine === "postgres")
    await sql
      .raw(
        `create function mark_item_search() returns trigger language plpgsql as $$ begin ${insert} values (NEW.id) on conflict do nothing; return null; end $$`,
      )
      .execute(db);
  for (const [name, moment] of moments) {
    const act =
      engine === "postgres"
        ? "execute function mark_item_search()"
        : `begin ${insert} select NEW.id where not exists (select 1 from item_search_stale where work_item_id = NEW.id); end`;
    await sql.raw(`create trigger ${name} ${moment} ${act}`).execute(db);
  }
}

async function createLabels(db: Db, engine: Engine): Promise<void> {
  await identified(db, engine, "labels")
    .addColumn("workspace_id", "integer", (c) => c.notNull().references("workspaces.id").onDelete("cascade"))
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("name_key", "text", (c) => c.notNull())
    .addColumn("color", "text", (c) => c.notNull())
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addUniqueConstraint("labels_name", ["workspace_id", "name_key"])
    .execute();
  await db.schema
    .createTable("item_labels")
    .addColumn("work_item_id", "integer", (c) => c.notNull().references("work_items.id").onDelete("cascade"))
    .addColumn("label_id", "integer", (c) => c.notNull().references("labels.id").onDelete("cascade"))
    .addPrimaryKeyConstraint("item_labels_pk", ["work_item_id", "label_id"])
    .execute();
  await db.schema
    .createIndex("item_labels_label")
    .on("item_labels")
    .columns(["label_id", "work_item_id"])
    .execute();
}

async function createPages(db: Db, engine: Engine): Promise<void> {
  await identified(db, engine, "pages")
    .addColumn("workspace_id", "integer", (c) => c.notNull().references("workspaces.id").onDelete("cascade"))
    .addColumn("parent_id", "integer")
    .addColumn("title", "text", (c) => c.notNull())
    .addColumn("body", "text", (c) => c.notNull())
    .addColumn("search_text", "text", (c) => c.notNull())
    .addColumn("version", "integer", (c) => c.notNull())
    .addColumn("creator_id", "text", (c) => c.notNull().references("user.id"))
    .addColumn("editor_id", "text", (c) => c.notNull().references("user.id"))
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addColumn("updated_at_ms", "bigint", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("pages_workspace").on("pages").columns(["workspace_id", "id"]).execute();
  await db.schema.createIndex("pages_parent").on("pages").column("parent_id").execute();
  await db.schema
    .createTable("page_versions")
    .addColumn("page_id", "integer", (c) => c.notNull().references("pages.id").onDelete("cascade"))
    .addColumn("version", "integer", (c) => c.notNull())
    .addColumn("title", "text", (c) => c.notNull())
    .addColumn("body", "text", (c) => c.notNull())
    .addColumn("editor_id", "text", (c) => c.notNull().references("user.id"))
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("page_versions_pk", ["page_id", "version"])
    .execute();
  await db.schema
    .createTable("item_pages")
    .addColumn("work_item_id", "integer", (c) => c.notNull().references("work_items.id").onDelete("cascade"))
    .addColumn("page_id", "integer", (c) => c.notNull().references("pages.id").onDelete("cascade"))
    .addPrimaryKeyConstraint("item_pages_pk", ["work_item_id", "page_id"])
    .execute();
  await db.schema
    .createIndex("item_pages_page")
    .on("item_pages")
    .columns(["page_id", "work_item_id"])
    .execute();
}

async function createActivity(db: Db, engine: Engine): Promise<void> {
  await identified(db, engine, "activity")
    .addColumn("workspace_id", "integer", (c) => c.notNull().references("workspaces.id").onDelete("cascade"))
    .addColumn("work_item_id", "integer", (c) => c.notNull().references("work_items.id").onDelete("cascade"))
    .addColumn("actor_id", "text", (c) => c.references("user.id"))
    .addColumn("run_id", "integer")
    .addColumn("change", "text", (c) => c.notNull())
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("activity_item").on("activity").columns(["work_item_id", "id"]).execute();
  await db.schema.createIndex("activity_workspace").on("activity").columns(["workspace_id", "id"]).execute();
}

async function createNotifications(db: Db, engine: Engine): Promise<void> {
  await db.schema
    .createTable("followers")
    .addColumn("work_item_id", "integer", (c) => c.notNull().references("work_items.id").onDelete("cascade"))
    .addColumn("user_id", "text", (c) => c.notNull().references("user.id").onDelete("cascade"))
    .addColumn("following", "integer", (c) => c.notNull())
    .addPrimaryKeyConstraint("followers_pk", ["work_item_id", "user_id"])
    .execute();
  await identified(db, engine, "notifications")
    .addColumn("user_id", "text", (c) => c.notNull().references("user.id").onDelete("cascade"))
    .addColumn("workspace_id", "integer", (c) => c.notNull().references("workspaces.id").onDelete("cascade"))
    .addColumn("work_item_id", "integer", (c) => c.notNull().references("work_items.id").onDelete("cascade"))
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("actor_id", "text", (c) => c.references("user.id"))
    .addColumn("text", "text", (c) => c.notNull())
    .addColumn("run_id", "integer")
    .addColumn("comment_id", "integer")
    .addColumn("pull_request_id", "integer")
    .addColumn("read", "integer", (c) => c.notNull().defaultTo(0))
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("notifications_user").on("notifications").columns(["user_id", "id"]).execute();
  await db.schema
    .createIndex("notifications_unread")
    .on("notifications")
    .columns(["user_id", "read", "id"])
    .execute();
  await db.schema
    .createTable("comment_mentions")
    .addColumn("comment_id", "integer", (c) => c.notNull().references("comments.id").onDelete("cascade"))
    .addColumn("user_id", "text", (c) => c.notNull().references("user.id").onDelete("cascade"))
    .addPrimaryKeyConstraint("comment_mentions_pk", ["comment_id", "user_id"])
    .execute();
}

async function createViews(db: Db, engine: Engine): Promise<void> {
  await identified(db, engine, "saved_views")
    .addColumn("workspace_id", "integer", (c) => c.notNull().references("workspaces.id").onDelete("cascade"))
    .addColumn("owner_id", "text", (c) => c.notNull().references("user.id").onDelete("cascade"))
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("layout", "text", (c) => c.notNull())
    .addColumn("query", "text", (c) => c.notNull())
    .addColumn("shared", "integer", (c) => c.notNull())
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addColumn("updated_at_ms", "bigint", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("saved_views_workspace").on("saved_views").column("workspace_id").execute();
}
