import { sql } from "kysely";
import type { Engine } from "../database.ts";
import { type Db, identified as table } from "./columns.ts";

/** The statuses in which a run counts as active; there is one such run per item and agent. */
const ACTIVE = sql`('queued', 'running', 'waiting')`;

/** Sign-in, work items, agents with their connections and bindings, runs, pull requests. */
export async function migrateInitial(db: Db, engine: Engine): Promise<void> {
  await createSignIn(db, engine);
  await createTracker(db, engine);
  await createAgents(db, engine);
  await createRuns(db, engine);
  await createReview(db, engine);
}

/** Names and types are the sign-in library's own; a test holds them to its idea of them. */
async function createSignIn(db: Db, engine: Engine): Promise<void> {
  const time = engine === "sqlite" ? sql`date` : sql`timestamptz`;
  const truth = engine === "sqlite" ? sql`integer` : sql`boolean`;
  await db.schema
    .createTable("user")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("email", "text", (c) => c.notNull().unique())
    .addColumn("emailVerified", truth, (c) => c.notNull())
    .addColumn("image", "text")
    .addColumn("createdAt", time, (c) => c.notNull())
    .addColumn("updatedAt", time, (c) => c.notNull())
    .addColumn("kind", "text", (c) => c.notNull().defaultTo("person"))
    .addColumn("admin", "integer", (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema
    .createTable("session")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("expiresAt", time, (c) => c.notNull())
    .addColumn("token", "text", (c) => c.notNull().unique())
    .addColumn("createdAt", time, (c) => c.notNull())
    .addColumn("updatedAt", time, (c) => c.notNull())
    .addColumn("ipAddress", "text")
    .addColumn("userAgent", "text")
    .addColumn("userId", "text", (c) => c.notNull().references("user.id").onDelete("cascade"))
    .execute();
  await db.schema
    .createTable("account")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("accountId", "text", (c) => c.notNull())
    .addColumn("providerId", "text", (c) => c.notNull())
    .addColumn("userId", "text", (c) => c.notNull().references("user.id").onDelete("cascade"))
    .addColumn("accessToken", "text")
    .addColumn("refreshToken", "text")
    .addColumn("idToken", "text")
    .addColumn("accessTokenExpiresAt", time)
    .addColumn("refreshTokenExpiresAt", time)
    .addColumn("scope", "text")
    .addColumn("password", "text")
    .addColumn("createdAt", time, (c) => c.notNull())
    .addColumn("updatedAt", time, (c) => c.notNull())
    .execute();
  await db.schema
    .createTable("verification")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("identifier", "text", (c) => c.notNull())
    .addColumn("value", "text", (c) => c.notNull())
    .addColumn("expiresAt", time, (c) => c.notNull())
    .addColumn("createdAt", time, (c) => c.notNull())
    .addColumn("updatedAt", time, (c) => c.notNull())
    .execute();
  await db.schema.createIndex("session_user").on("session").column("userId").execute();
  await db.schema.createIndex("account_user").on("account").column("userId").execute();
  await db.schema.createIndex("verification_identifier").on("verification").column("identifier").execute();
}

async function createTracker(db: Db, engine: Engine): Promise<void> {
  await db.schema
    .createTable("settings")
    .addColumn("key", "text", (c) => c.primaryKey())
    .addColumn("value", "text", (c) => c.notNull())
    .execute();
  await table(db, engine, "workspaces")
    .addColumn("key", "text", (c) => c.notNull().unique())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("last_item_number", "integer", (c) => c.notNull().defaultTo(0))
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .execute();
  await db.schema
    .createTable("memberships")
    .addColumn("workspace_id", "integer", (c) => c.notNull().references("workspaces.id").onDelete("cascade"))
    .addColumn("user_id", "text", (c) => c.notNull().references("user.id").onDelete("cascade"))
    .addColumn("role", "text", (c) => c.notNull())
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("memberships_pk", ["workspace_id", "user_id"])
    .execute();
  await table(db, engine, "work_items")
    .addColumn("workspace_id", "integer", (c) => c.notNull().references("workspaces.id").onDelete("cascade"))
    .addColumn("number", "integer", (c) => c.notNull())
    .addColumn("title", "text", (c) => c.notNull())
    .addColumn("description", "text", (c) => c.notNull())
    .addColumn("status", "text", (c) => c.notNull())
    .addColumn("assignee_id", "text", (c) => c.references("user.id"))
    .addColumn("creator_id", "text", (c) => c.notNull().references("user.id"))
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addColumn("updated_at_ms", "bigint", (c) => c.notNull())
    .addUniqueConstraint("work_items_number", ["workspace_id", "number"])
    .execute();
}

async function createAgents(db: Db, engine: Engine): Promise<void> {
  await table(db, engine, "pools")
    .addColumn("name", "text", (c) => c.notNull().unique())
    .addColumn("max_running", "integer", (c) => c.notNull())
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .execute();
  await table(db, engine, "runners")
    .addColumn("pool_id", "integer", (c) => c.notNull().references("pools.id"))
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("instance", "text", (c) => c.notNull().unique())
    .addColumn("boot", "text", (c) => c.notNull())
    .addColumn("last_seen_at_ms", "bigint", (c) => c.notNull())
    .execute();
  await table(db, engine, "connections")
    .addColumn("workspace_id", "integer", (c) => c.notNull().references("workspaces.id").onDelete("cascade"))
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("provider", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("base_url", "text", (c) => c.notNull())
    .addColumn("secret_sealed", "text")
    .addColumn("secret_fingerprint", "text")
    .addColumn("context_window", "integer")
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addUniqueConstraint("connections_name", ["workspace_id", "kind", "name"])
    .execute();
  await table(db, engine, "repositories")
    .addColumn("workspace_id", "integer", (c) => c.notNull().references("workspaces.id").onDelete("cascade"))
    .addColumn("connection_id", "integer", (c) => c.notNull().references("connections.id"))
    .addColumn("owner", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("default_branch", "text", (c) => c.notNull())
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addUniqueConstraint("repositories_name", ["connection_id", "owner", "name"])
    .execute();
  await table(db, engine, "bindings")
    .addColumn("workspace_id", "integer", (c) => c.notNull().references("workspaces.id").onDelete("cascade"))
    .addColumn("agent_user_id", "text", (c) => c.notNull().references("user.id"))
    .addColumn("repository_id", "integer", (c) => c.notNull().references("repositories.id"))
    .addColumn("base_branch", "text", (c) => c.notNull())
    .addColumn("llm_connection_id", "integer", (c) => c.references("connections.id"))
    .addColumn("model", "text")
    .addColumn("instructions", "text", (c) => c.notNull())
    .addColumn("limits", "text", (c) => c.notNull())
    .addColumn("image", "text")
    .addColumn("pool_id", "integer", (c) => c.notNull().references("pools.id"))
    .addColumn("enabled", "integer", (c) => c.notNull())
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addUniqueConstraint("bindings_agent", ["workspace_id", "agent_user_id"])
    .execute();
}

async function createRuns(db: Db, engine: Engine): Promise<void> {
  await table(db, engine, "runs")
    .addColumn("workspace_id", "integer", (c) => c.notNull().references("workspaces.id").onDelete("cascade"))
    .addColumn("work_item_id", "integer", (c) => c.notNull().references("work_items.id").onDelete("cascade"))
    .addColumn("agent_user_id", "text", (c) => c.notNull().references("user.id"))
    .addColumn("binding_id", "integer", (c) => c.references("bindings.id").onDelete("set null"))
    .addColumn("pool_id", "integer", (c) => c.notNull().references("pools.id"))
    .addColumn("trigger_kind", "text", (c) => c.notNull())
    .addColumn("requested_by", "text", (c) => c.notNull().references("user.id"))
    .addColumn("status", "text", (c) => c.notNull())
    .addColumn("phase", "text")
    .addColumn("reason", "text")
    .addColumn("detail", "text")
    .addColumn("attempt", "integer", (c) => c.notNull().defaultTo(0))
    .addColumn("interruptions", "integer", (c) => c.notNull().defaultTo(0))
    .addColumn("runner_id", "integer", (c) => c.references("runners.id"))
    .addColumn("lease_expires_at_ms", "bigint")
    .addColumn("cancel_requested_at_ms", "bigint")
    .addColumn("cancel_requested_by", "text")
    .addColumn("grants", "text", (c) => c.notNull())
    .addColumn("prompt", "text", (c) => c.notNull())
    .addColumn("isolation", "text")
    .addColumn("base_oid", "text")
    .addColumn("pushed_oid", "text")
    .addColumn("head_oid", "text")
    .addColumn("summary", "text")
    .addColumn("result", "text")
    .addColumn("publishing_until_ms", "bigint")
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addColumn("started_at_ms", "bigint")
    .addColumn("ended_at_ms", "bigint")
    .execute();
  await db.schema.createIndex("runs_item").on("runs").columns(["work_item_id", "id"]).execute();
  await db.schema
    .createIndex("runs_active")
    .on("runs")
    .columns(["work_item_id", "agent_user_id"])
    .unique()
    .where(sql.ref("status"), "in", ACTIVE)
    .execute();
  await db.schema
    .createIndex("runs_open")
    .on("runs")
    .columns(["pool_id", "status", "id"])
    .where(sql.ref("status"), "in", ACTIVE)
    .execute();

  await db.schema
    .createTable("run_tokens")
    .addColumn("token_hash", "text", (c) => c.primaryKey())
    .addColumn("run_id", "integer", (c) => c.notNull().references("runs.id").onDelete("cascade"))
    .addColumn("attempt", "integer", (c) => c.notNull())
    .addColumn("scope", "text", (c) => c.notNull())
    .execute();
  await table(db, engine, "run_events")
    .addColumn("run_id", "integer", (c) => c.notNull().references("runs.id").onDelete("cascade"))
    .addColumn("attempt", "integer", (c) => c.notNull())
    .addColumn("seq", "bigint", (c) => c.notNull())
    .addColumn("type", "text", (c) => c.notNull())
    .addColumn("at", "text", (c) => c.notNull())
    .addColumn("data", "text", (c) => c.notNull())
    .addColumn("stored_at_ms", "bigint", (c) => c.notNull())
    .addUniqueConstraint("run_events_key", ["run_id", "attempt", "seq"])
    .execute();
  await db.schema.createIndex("run_events_read").on("run_events").columns(["run_id", "id"]).execute();
  await table(db, engine, "run_messages")
    .addColumn("run_id", "integer", (c) => c.notNull().references("runs.id").onDelete("cascade"))
    .addColumn("author_id", "text", (c) => c.notNull().references("user.id"))
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("body", "text", (c) => c.notNull())
    .addColumn("status", "text", (c) => c.notNull())
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("run_messages_run").on("run_messages").columns(["run_id", "id"]).execute();
  await db.schema
    .createTable("run_steps")
    .addColumn("run_id", "integer", (c) => c.notNull().references("runs.id").onDelete("cascade"))
    .addColumn("step", "text", (c) => c.notNull())
    .addColumn("status", "text", (c) => c.notNull())
    .addColumn("tries", "integer", (c) => c.notNull())
    .addColumn("detail", "text")
    .addColumn("updated_at_ms", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("run_steps_pk", ["run_id", "step"])
    .execute();
  await table(db, engine, "run_usage")
    .addColumn("run_id", "integer", (c) => c.notNull().references("runs.id").onDelete("cascade"))
    .addColumn("attempt", "integer", (c) => c.notNull())
    .addColumn("model", "text", (c) => c.notNull())
    .addColumn("input_tokens", "integer")
    .addColumn("output_tokens", "integer")
    .addColumn("status", "integer", (c) => c.notNull())
    .addColumn("duration_ms", "integer", (c) => c.notNull())
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("run_usage_run").on("run_usage").column("run_id").execute();
}

async function createReview(db: Db, engine: Engine): Promise<void> {
  await table(db, engine, "comments")
    .addColumn("work_item_id", "integer", (c) => c.notNull().references("work_items.id").onDelete("cascade"))
    .addColumn("author_id", "text", (c) => c.notNull().references("user.id"))
    .addColumn("run_id", "integer", (c) => c.references("runs.id"))
    .addColumn("dedupe_key", "text", (c) => c.unique())
    .addColumn("body", "text", (c) => c.notNull())
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("comments_item").on("comments").columns(["work_item_id", "id"]).execute();
  await table(db, engine, "item_links")
    .addColumn("work_item_id", "integer", (c) => c.notNull().references("work_items.id").onDelete("cascade"))
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("url", "text", (c) => c.notNull())
    .addColumn("title", "text", (c) => c.notNull())
    .addColumn("run_id", "integer", (c) => c.references("runs.id"))
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addUniqueConstraint("item_links_url", ["work_item_id", "url"])
    .execute();
  await table(db, engine, "pull_requests")
    .addColumn("repository_id", "integer", (c) => c.notNull().references("repositories.id"))
    .addColumn("number", "integer", (c) => c.notNull())
    .addColumn("run_id", "integer", (c) => c.notNull().unique().references("runs.id"))
    .addColumn("work_item_id", "integer", (c) => c.notNull().references("work_items.id"))
    .addColumn("title", "text", (c) => c.notNull())
    .addColumn("body", "text", (c) => c.notNull())
    .addColumn("source_branch", "text", (c) => c.notNull())
    .addColumn("target_branch", "text", (c) => c.notNull())
    .addColumn("base_oid", "text", (c) => c.notNull())
    .addColumn("head_oid", "text", (c) => c.notNull())
    .addColumn("draft", "integer", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("merged_oid", "text")
    .addColumn("decided_by", "text", (c) => c.references("user.id"))
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addColumn("updated_at_ms", "bigint", (c) => c.notNull())
    .addUniqueConstraint("pull_requests_number", ["repository_id", "number"])
    .execute();
  await table(db, engine, "audit_log")
    .addColumn("at_ms", "bigint", (c) => c.notNull())
    .addColumn("workspace_id", "integer")
    .addColumn("actor", "text", (c) => c.notNull())
    .addColumn("action", "text", (c) => c.notNull())
    .addColumn("subject", "text", (c) => c.notNull())
    .addColumn("data", "text", (c) => c.notNull())
    .execute();
}
