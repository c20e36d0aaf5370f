import { sql } from "kysely";
import type { Engine } from "../database.ts";
import { addColumns, type Db, identified } from "./columns.ts";

/** Runner hosts: pools of workspaces and labels, registration, credentials, starts of a runner, what a run asks of its host. */
export async function migrateRunnerHosts(db: Db, engine: Engine): Promise<void> {
  await addColumns(db, "pools", [["labels", "text", "[]"]]);
  await addColumns(db, "bindings", [["labels", "text", "[]"]]);
  await addColumns(db, "runs", [
    ["labels", "text", "[]"],
    ["runner_boot", "text"],
    ["claim_key", "text"],
  ]);
  await addColumns(db, "runners", [
    ["labels", "text", "[]"],
    ["capacity", "integer", 1],
    ["version", "text"],
    ["draining", "integer", 0],
    ["drain_asked", "integer", 0],
    ["revoked_at_ms", "bigint"],
    ["alert", "text"],
    ["created_at_ms", "bigint"],
  ]);
  await createQueueIndexes(db);
  await createPoolWorkspaces(db);
  await createRunLabels(db);
  await createRegistration(db, engine);
  await createStarts(db);
}

/** For claims, whose cost must not grow with the runs that are stored or queued. */
async function createQueueIndexes(db: Db): Promise<void> {
  const index = (name: string, columns: string[], status: string) =>
    db.schema
      .createIndex(name)
      .on("runs")
      .columns(columns)
      .where(sql.ref("status"), "=", sql.lit(status))
      .execute();
  await index("runs_queued", ["pool_id", "workspace_id", "id"], "queued");
  await index("runs_running", ["pool_id", "workspace_id", "runner_id"], "running");
  await index("runs_held", ["runner_id"], "running");
}

/** Which workspaces may use a pool; no row for a pool means all. */
async function createPoolWorkspaces(db: Db): Promise<void> {
  await db.schema
    .createTable("pool_workspaces")
    .addColumn("pool_id", "integer", (c) => c.notNull().references("pools.id").onDelete("cascade"))
    .addColumn("workspace_id", "integer", (c) => c.notNull().references("workspaces.id").onDelete("cascade"))
    .addPrimaryKeyConstraint("pool_workspaces_pk", ["pool_id", "workspace_id"])
    .execute();
}

/** The labels of `runs.labels`, one a row, as a claim compares them. */
async function createRunLabels(db: Db): Promise<void> {
  await db.schema
    .createTable("run_labels")
    .addColumn("run_id", "integer", (c) => c.notNull().references("runs.id").onDelete("cascade"))
    .addColumn("label", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("run_labels_pk", ["run_id", "label"])
    .execute();
}

async function createRegistration(db: Db, engine: Engine): Promise<void> {
  await identified(db, engine, "registration_tokens")
    .addColumn("pool_id", "integer", (c) => c.notNull().references("pools.id").onDelete("cascade"))
    .addColumn("token_hash", "text", (c) => c.notNull().unique())
    .addColumn("epoch", "integer", (c) => c.notNull())
    .addColumn("created_by", "text", (c) => c.notNull())
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addColumn("expires_at_ms", "bigint", (c) => c.notNull())
    .addColumn("used_at_ms", "bigint")
    .addColumn("nonce_hash", "text")
    .addColumn("runner_id", "integer", (c) => c.references("runners.id").onDelete("set null"))
    .addColumn("revoked_at_ms", "bigint")
    .execute();
  await identified(db, engine, "runner_credentials")
    .addColumn("runner_id", "integer", (c) => c.notNull().references("runners.id").onDelete("cascade"))
    .addColumn("token_hash", "text", (c) => c.notNull().unique())
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addColumn("first_used_at_ms", "bigint")
    .addColumn("expires_at_ms", "bigint")
    .execute();
}

/** Every start of a runner program that was heard of: an older one that comes back is told apart from a new one. */
async function createStarts(db: Db): Promise<void> {
  await db.schema
    .createTable("runner_boots")
    .addColumn("runner_id", "integer", (c) => c.notNull().references("runners.id").onDelete("cascade"))
    .addColumn("boot", "text", (c) => c.notNull())
    .addColumn("first_seen_at_ms", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("runner_boots_pk", ["runner_id", "boot"])
    .execute();
}
