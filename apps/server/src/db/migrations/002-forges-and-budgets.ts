import { sql } from "kysely";
import type { Engine } from "../database.ts";
import { addColumns, type Db } from "./columns.ts";

/** Repositories on GitHub, Forgejo and GitLab; budgets; prices of models; what a push may hold. */
export async function migrateForgesAndBudgets(db: Db, engine: Engine): Promise<void> {
  await extendAgents(db);
  await extendRuns(db);
  if (engine === "postgres") await widenTokenCounts(db);
  await createBudgets(db);
  await createModels(db);
  await createForgeRecords(db);
}

async function extendAgents(db: Db): Promise<void> {
  await addColumns(db, "workspaces", [["budget", "text", "{}"]]);
  await addColumns(db, "connections", [
    ["settings", "text", "{}"],
    ["webhook_secret_sealed", "text"],
    ["concurrency_max", "integer"],
    ["checked_at_ms", "bigint"],
    ["check_problem", "text"],
  ]);
  await addColumns(db, "repositories", [["web_url", "text"]]);
  await addColumns(db, "bindings", [
    ["fallbacks", "text", "[]"],
    ["push_policy", "text", "{}"],
    ["budget", "text", "{}"],
  ]);
}

async function extendRuns(db: Db): Promise<void> {
  await addColumns(db, "runs", [
    ["branch_run_id", "integer"],
    ["budget_tokens_added", "bigint", 0],
    ["budget_cost_micros_added", "bigint", 0],
    ["budget_short", "text"],
    ["not_before_ms", "bigint"],
    ["forge_wait_since_ms", "bigint"],
    ["refusal", "text"],
  ]);
  await addColumns(db, "run_usage", [
    ["connection_id", "integer"],
    ["cached_input_tokens", "integer"],
    ["cost_micros", "bigint"],
    ["estimated", "integer", 0],
  ]);
  await addColumns(db, "pull_requests", [
    ["url", "text"],
    ["forge_id", "text"],
    ["synced_at_ms", "bigint"],
    ["comments_cursor", "text"],
    ["look_at_ms", "bigint"],
    ["sync_failures", "integer", 0],
    ["sync_problem", "text"],
  ]);
  await db.schema.createIndex("pull_requests_look").on("pull_requests").column("look_at_ms").execute();
}

/** What a crash leaves set aside is counted in one row, which may be more than four bytes hold; SQLite has no such bound. */
async function widenTokenCounts(db: Db): Promise<void> {
  for (const column of ["input_tokens", "output_tokens", "cached_input_tokens"])
    await sql`alter table run_usage alter column ${sql.ref(column)} type bigint`.execute(db);
}

/** What was spent and what is set aside of one budget; and each amount set aside, so that a crash forgets none. */
async function createBudgets(db: Db): Promise<void> {
  await db.schema
    .createTable("budget_use")
    .addColumn("scope", "text", (c) => c.notNull())
    .addColumn("scope_id", "integer", (c) => c.notNull())
    .addColumn("period", "text", (c) => c.notNull())
    .addColumn("tokens", "bigint", (c) => c.notNull().defaultTo(0))
    .addColumn("cost_micros", "bigint", (c) => c.notNull().defaultTo(0))
    .addColumn("held_tokens", "bigint", (c) => c.notNull().defaultTo(0))
    .addColumn("held_cost_micros", "bigint", (c) => c.notNull().defaultTo(0))
    .addPrimaryKeyConstraint("budget_use_pk", ["scope", "scope_id", "period"])
    .execute();
  await db.schema
    .createTable("budget_holds")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("run_id", "integer", (c) => c.notNull().references("runs.id").onDelete("cascade"))
    .addColumn("attempt", "integer", (c) => c.notNull())
    .addColumn("holder", "text", (c) => c.notNull())
    .addColumn("period", "text", (c) => c.notNull())
    .addColumn("tokens", "bigint", (c) => c.notNull())
    .addColumn("cost_micros", "bigint", (c) => c.notNull())
    .addColumn("expires_at_ms", "bigint", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("budget_holds_run").on("budget_holds").column("run_id").execute();
  await db.schema.createIndex("budget_holds_expiry").on("budget_holds").column("expires_at_ms").execute();
}

/** Prices are micro-dollars for a million tokens. */
async function createModels(db: Db): Promise<void> {
  await db.schema
    .createTable("models")
    .addColumn("connection_id", "integer", (c) =>
      c.notNull().references("connections.id").onDelete("cascade"),
    )
    .addColumn("model", "text", (c) => c.notNull())
    .addColumn("input_price", "bigint")
    .addColumn("cached_input_price", "bigint")
    .addColumn("output_price", "bigint")
    .addColumn("context_window", "integer")
    .addColumn("images", "integer", (c) => c.notNull().defaultTo(0))
    .addColumn("updated_at_ms", "bigint", (c) => c.notNull())
    .addColumn("updated_by", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("models_pk", ["connection_id", "model"])
    .execute();
}

/** Webhook deliveries and review comments that were taken in, so that none is acted on twice. */
async function createForgeRecords(db: Db): Promise<void> {
  await db.schema
    .createTable("forge_deliveries")
    .addColumn("connection_id", "integer", (c) =>
      c.notNull().references("connections.id").onDelete("cascade"),
    )
    .addColumn("delivery", "text", (c) => c.notNull())
    .addColumn("received_at_ms", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("forge_deliveries_pk", ["connection_id", "delivery"])
    .execute();
  await db.schema
    .createTable("forge_comments")
    .addColumn("pull_request_id", "integer", (c) =>
      c.notNull().references("pull_requests.id").onDelete("cascade"),
    )
    .addColumn("comment", "text", (c) => c.notNull())
    .addColumn("outcome", "text", (c) => c.notNull())
    .addColumn("message_id", "integer", (c) => c.references("run_messages.id").onDelete("set null"))
    .addColumn("told", "text")
    .addColumn("tell_at_ms", "bigint")
    .addColumn("tell_tries", "integer", (c) => c.notNull().defaultTo(0))
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("forge_comments_pk", ["pull_request_id", "comment"])
    .execute();
  await db.schema.createIndex("forge_comments_tell").on("forge_comments").column("tell_at_ms").execute();
}
