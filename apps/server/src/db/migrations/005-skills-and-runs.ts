import { sql } from "kysely";
import type { Engine } from "../database.ts";
import { addColumns, type Db, identified } from "./columns.ts";
import { createOrLeave, type HotIndex } from "./hot-index.ts";

export const RUN_INDEXES: readonly HotIndex[] = [
  { name: "runs_workspace", on: "runs", columns: ["workspace_id", "id"] },
  { name: "runs_requested_by", on: "runs", columns: ["requested_by", "id"] },
];

/** Skills with their versions, what each run was given, attempts, private test runs. */
export async function migrateSkillsAndRuns(db: Db, engine: Engine): Promise<void> {
  await createSkills(db, engine);
  await createRunRecords(db);
  await addColumns(db, "bindings", [["outside_comments", "integer", 0]]);
  await addColumns(db, "runs", [
    ["prompt_notes", "text", "[]"],
    ["plan", "text"],
  ]);
  for (const index of RUN_INDEXES) await createOrLeave(db, engine, index);
}

/** A skill that is deleted keeps its row and its versions: runs name them. */
async function createSkills(db: Db, engine: Engine): Promise<void> {
  await identified(db, engine, "skills")
    .addColumn("workspace_id", "integer", (c) => c.notNull().references("workspaces.id").onDelete("cascade"))
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("name_key", "text", (c) => c.notNull())
    .addColumn("version", "integer", (c) => c.notNull())
    .addColumn("enabled", "integer", (c) => c.notNull())
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addColumn("updated_at_ms", "bigint", (c) => c.notNull())
    .addColumn("updated_by", "text", (c) => c.notNull().references("user.id"))
    .addColumn("deleted_at_ms", "bigint")
    .execute();
  await db.schema
    .createIndex("skills_name")
    .on("skills")
    .columns(["workspace_id", "name_key"])
    .unique()
    .where(sql.ref("deleted_at_ms"), "is", null)
    .execute();
  await db.schema
    .createTable("skill_versions")
    .addColumn("skill_id", "integer", (c) => c.notNull().references("skills.id").onDelete("cascade"))
    .addColumn("version", "integer", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("description", "text", (c) => c.notNull())
    .addColumn("body", "text", (c) => c.notNull())
    .addColumn("sha256", "text", (c) => c.notNull())
    .addColumn("bytes", "integer", (c) => c.notNull())
    .addColumn("author_id", "text", (c) => c.notNull().references("user.id"))
    .addColumn("created_at_ms", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("skill_versions_pk", ["skill_id", "version"])
    .execute();
  await db.schema
    .createTable("binding_skills")
    .addColumn("binding_id", "integer", (c) => c.notNull().references("bindings.id").onDelete("cascade"))
    .addColumn("skill_id", "integer", (c) => c.notNull().references("skills.id").onDelete("cascade"))
    .addColumn("position", "integer", (c) => c.notNull())
    .addPrimaryKeyConstraint("binding_skills_pk", ["binding_id", "skill_id"])
    .execute();
  await db.schema.createIndex("binding_skills_skill").on("binding_skills").column("skill_id").execute();
}

async function createRunRecords(db: Db): Promise<void> {
  const ofRun = (name: string) =>
    db.schema
      .createTable(name)
      .addColumn("run_id", "integer", (c) => c.notNull().references("runs.id").onDelete("cascade"));
  await ofRun("run_skills")
    .addColumn("skill_id", "integer", (c) => c.notNull())
    .addColumn("version", "integer", (c) => c.notNull())
    .addColumn("position", "integer", (c) => c.notNull())
    .addColumn("sha256", "text", (c) => c.notNull())
    .addColumn("read_at_ms", "bigint")
    .addPrimaryKeyConstraint("run_skills_pk", ["run_id", "skill_id"])
    .addForeignKeyConstraint("run_skills_version", ["skill_id", "version"], "skill_versions", [
      "skill_id",
      "version",
    ])
    .execute();
  await ofRun("run_attempts")
    .addColumn("attempt", "integer", (c) => c.notNull())
    .addColumn("runner_id", "integer")
    .addColumn("claimed_at_ms", "bigint", (c) => c.notNull())
    .addColumn("ended_at_ms", "bigint")
    .addColumn("outcome", "text")
    .addPrimaryKeyConstraint("run_attempts_pk", ["run_id", "attempt"])
    .execute();
  await ofRun("run_phases")
    .addColumn("attempt", "integer", (c) => c.notNull())
    .addColumn("phase", "text", (c) => c.notNull())
    .addColumn("started_at_ms", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("run_phases_pk", ["run_id", "attempt", "phase"])
    .execute();
  await ofRun("run_outputs")
    .addColumn("attempt", "integer", (c) => c.notNull())
    .addColumn("files", "text", (c) => c.notNull())
    .addColumn("files_more", "integer", (c) => c.notNull())
    .addColumn("patch", "text")
    .addColumn("patch_truncated", "integer", (c) => c.notNull())
    .addPrimaryKeyConstraint("run_outputs_pk", ["run_id"])
    .execute();
}
