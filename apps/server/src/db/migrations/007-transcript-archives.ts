import { sql } from "kysely";
import type { Engine } from "../database.ts";
import { addColumns, type Db } from "./columns.ts";
import { createOrLeave, type HotIndex } from "./hot-index.ts";

export const ARCHIVE_INDEXES: readonly HotIndex[] = [
  {
    name: "runs_transcript_stored",
    on: "runs",
    columns: ["ended_at_ms"],
    where: "ended_at_ms is not null and transcript_state is null",
  },
];

/** Where transcripts are that left the database, and up to when the audit log may be shortened. */
export async function migrateTranscriptArchives(db: Db, engine: Engine): Promise<void> {
  await addColumns(db, "runs", [["transcript_state", "text"]]);
  for (const index of ARCHIVE_INDEXES) await createOrLeave(db, engine, index);
  await db.schema
    .createTable("transcript_archives")
    .addColumn("run_id", "integer", (c) => c.primaryKey().references("runs.id").onDelete("cascade"))
    .addColumn("file", "text", (c) => c.notNull())
    .addColumn("bytes", "bigint", (c) => c.notNull())
    .addColumn("sha256", "text", (c) => c.notNull())
    .addColumn("events", "integer", (c) => c.notNull())
    .addColumn("ended_at_ms", "bigint", (c) => c.notNull())
    .addColumn("archived_at_ms", "bigint", (c) => c.notNull())
    .addColumn("rows_removed", "integer", (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema
    .createIndex("transcript_archives_ended")
    .on("transcript_archives")
    .column("ended_at_ms")
    .execute();
  await db.schema
    .createIndex("transcript_archives_open")
    .on("transcript_archives")
    .column("run_id")
    .where(sql.ref("rows_removed"), "=", 0)
    .execute();
  await openAuditEnd(db, engine);
}

/**
 * The audit log loses lines at its old end only, those before a time that is written down in `settings` first; where none is,
 * the database refuses to delete any, as before (WB-18).
 */
async function openAuditEnd(db: Db, engine: Engine): Promise<void> {
  const why = "the audit log is only added to";
  const kept =
    "old.at_ms >= coalesce((select cast(value as bigint) from settings where key = 'audit_kept_from_ms'), 0)";
  if (engine === "sqlite") {
    await sql.raw("drop trigger audit_log_no_delete").execute(db);
    await sql
      .raw(
        `create trigger audit_log_no_delete before delete on audit_log when ${kept} begin select raise(abort, '${why}'); end`,
      )
      .execute(db);
    return;
  }
  await sql.raw("drop trigger audit_log_no_change on audit_log").execute(db);
  await sql
    .raw(
      "create trigger audit_log_no_change before update or truncate on audit_log for each statement execute function refuse_audit_change()",
    )
    .execute(db);
  await sql
    .raw(
      `create function refuse_audit_loss() returns trigger language plpgsql as $$ begin if ${kept} then raise exception '${why}'; end if; return old; end $$`,
    )
    .execute(db);
  await sql
    .raw(
      "create trigger audit_log_no_delete before delete on audit_log for each row execute function refuse_audit_loss()",
    )
    .execute(db);
}
