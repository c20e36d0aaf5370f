import { sql } from "kysely";
import type { Engine } from "../database.ts";
import { addColumns, type Db, identified } from "./columns.ts";

/** Items whose search text is written in one statement while the database is brought up to date. */
const SEARCH_BATCH = 200;

/** Priority, labels, sub-items, pages, activity, followers, notifications, saved views. */
export async function migrateTracker(db: Db, engine: Engine): Promise<void> {
  await extendItems(db);
  await createSearch(db);
  await createLabels(db, engine);
  await createPages(db, engine);
  await createActivity(db, engine);
  await createNotifications(db, engine);
  await createViews(db, engine);
}

async function extendItems(db: Db): Promise<void> {
  await addColumns(db, "work_items", [
    ["priority", "integer", 0],
    ["parent_id", "integer"],
    ["hidden", "integer", 0],
    ["text_changed_at_ms", "bigint", 0],
  ]);
  await addColumns(db, "comments", [["edited_at_ms", "bigint"]]);
  const index = (name: string, ...columns: string[]) =>
    db.schema.createIndex(name).on("work_items").columns(columns).execute();
  // One for each order of a list, with all that its filters look at, so that the rows with their texts are not read for it.
  const filters = ["status", "priority", "assignee_id", "parent_id"];
  const besides = (...names: string[]) => filters.filter((name) => !names.includes(name));
  await index("work_items_created", "workspace_id", "hidden", "id", ...filters);
  await index("work_items_updated", "workspace_id", "hidden", "updated_at_ms", "id", ...filters);
  await index("work_items_priority", "workspace_id", "hidden", "priority", "id", ...besides("priority"));
  await index(
    "work_items_assignee",
    "assignee_id",
    "workspace_id",
    "hidden",
    "updated_at_ms",
    "id",
    "status",
  );
  await index("work_items_parent", "parent_id");
  await db.schema
    .createIndex("runs_unended")
    .on("runs")
    .columns(["workspace_id", "work_item_id"])
    .where(sql.ref("status"), "in", sql`('queued', 'running', 'waiting')`)
    .execute();
}

/** What a search looks through, in small letters. Beside the items, so that a change of status rewrites no text. */
async function createSearch(db: Db): Promise<void> {
  await db.schema
    .createTable("item_search")
    .addColumn("work_item_id", "integer", (c) =>
      c.primaryKey().references("work_items.id").onDelete("cascade"),
    )
    .addColumn("text", "text", (c) => c.notNull())
    .execute();
  // Here and not in SQL: the engines differ in what they hold for small letters.
  for (let last = 0; ; ) {
    const rows = await db
      .selectFrom("work_items")
      .innerJoin("workspaces", "workspaces.id", "work_items.workspace_id")
      .select(["work_items.id", "workspaces.key", "number", "title", "description"])
      .where("work_items.id", ">", last)
      .orderBy("work_items.id")
      .limit(SEARCH_BATCH)
      .execute();
    if (rows.length === 0) return;
    const values = rows.map(({ id, key, number, title, description }) => ({
      work_item_id: id,
      text: `${key}-${number}\n${title}\n${description}`.normalize("NFC").toLowerCase(),
    }));
    await db.insertInto("item_search").values(values).execute();
    last = rows.at(-1)?.id;
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
