import { turn } from "@windshift/base/turn.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import type { ArchiveFacts } from "./archive-file.ts";

/** Events that one statement removes: some milliseconds in SQLite, in which nobody else of this process works. */
const REMOVED_AT_ONCE = 500;

export type TranscriptArchive = Pick<
  Row<"transcript_archives">,
  "run_id" | "file" | "bytes" | "sha256" | "events"
>;
const COLUMNS = ["run_id", "file", "bytes", "sha256", "events"] as const;

/** Now, by the database's clock, ms. */
export async function readNow({ engine, kysely }: Database): Promise<number> {
  const { now } = await kysely.selectNoFrom(dbNowMs(engine).as("now")).executeTakeFirstOrThrow();
  return Number(now);
}

/** Runs that ended before a time and whose events are in the database, oldest first. */
export async function listDueRuns(
  db: Queries,
  beforeMs: number,
  but: readonly number[],
  limit: number,
): Promise<{ id: number; endedAtMs: number }[]> {
  let query = db
    .selectFrom("runs")
    .select(["id", "ended_at_ms"])
    .where("ended_at_ms", "is not", null)
    .where("transcript_state", "is", null)
    .where("ended_at_ms", "<", beforeMs);
  if (but.length > 0) query = query.where("id", "not in", but);
  const rows = await query.orderBy("ended_at_ms").orderBy("id").limit(limit).execute();
  return rows.map(({ id, ended_at_ms }) => ({ id, endedAtMs: ended_at_ms ?? 0 }));
}

/**
 * Says that a transcript is in its archive: once, whoever else has archived it meanwhile.
 * @returns false when somebody else was first, or the transcript is not the one that was archived; nothing is written then
 */
export async function keepArchive(
  database: Database,
  run: { id: number; endedAtMs: number },
  file: string,
  facts: ArchiveFacts,
): Promise<boolean> {
  return database.transaction(async (tx) => {
    const { events } = await tx
      .selectFrom("run_events")
      .select((eb) => eb.fn.countAll<number>().as("events"))
      .where("run_id", "=", run.id)
      .executeTakeFirstOrThrow();
    if (Number(events) !== facts.lines) return false;
    const { numUpdatedRows } = await tx
      .updateTable("runs")
      .set({ transcript_state: "archived" })
      .where("id", "=", run.id)
      .where("ended_at_ms", "is not", null)
      .where("transcript_state", "is", null)
      .executeTakeFirst();
    if (numUpdatedRows !== 1n) return false;
    await tx
      .insertInto("transcript_archives")
      .values({
        run_id: run.id,
        file,
        bytes: facts.bytes,
        sha256: facts.sha256,
        events: facts.lines,
        ended_at_ms: run.endedAtMs,
        archived_at_ms: dbNowMs(database.engine),
      })
      .execute();
    return true;
  });
}

/** Archived transcripts whose events are still in the database: their server ended before it had removed them. */
export function listHalfDone(db: Queries): Promise<TranscriptArchive[]> {
  return db
    .selectFrom("transcript_archives")
    .select(COLUMNS)
    .where("rows_removed", "=", 0)
    .orderBy("run_id")
    .execute();
}

/**
 * Takes an archived transcript's events out of the database, some at a time. What the server itself wrote about pushes (`seq` below
 * 0) stays: the run shows it.
 */
export async function removeEvents({ kysely: db }: Database, run: number): Promise<void> {
  for (;;) {
    const rows = await db
      .selectFrom("run_events")
      .select("id")
      .where("run_id", "=", run)
      .where("seq", ">", 0)
      .orderBy("id")
      .limit(REMOVED_AT_ONCE)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) break;
    await db
      .deleteFrom("run_events")
      .where("run_id", "=", run)
      .where("seq", ">", 0)
      .where("id", "<=", last.id)
      .execute();
    await turn();
  }
  await db.updateTable("transcript_archives").set({ rows_removed: 1 }).where("run_id", "=", run).execute();
}

/** Where a run's transcript went. @returns undefined while it is in the database, and when it was deleted for good */
export function findArchive(db: Queries, run: number): Promise<TranscriptArchive | undefined> {
  return db.selectFrom("transcript_archives").select(COLUMNS).where("run_id", "=", run).executeTakeFirst();
}

/** Archives whose runs ended before a time. */
export function listOverdue(db: Queries, beforeMs: number, limit: number): Promise<TranscriptArchive[]> {
  return db
    .selectFrom("transcript_archives")
    .select(COLUMNS)
    .where("ended_at_ms", "<", beforeMs)
    .where("rows_removed", "=", 1)
    .orderBy("ended_at_ms")
    .limit(limit)
    .execute();
}

/** From now on the transcript is gone; its file is nobody's. */
export function forgetArchive(database: Database, run: number): Promise<void> {
  return database.transaction(async (tx) => {
    await tx.updateTable("runs").set({ transcript_state: "deleted" }).where("id", "=", run).execute();
    await tx.deleteFrom("transcript_archives").where("run_id", "=", run).execute();
  });
}

/**
 * Those of the files that are nobody's: their run's transcript is in another file, or deleted. A run whose transcript is still in the
 * database, or that is not known here, says nothing of a file: after a restore it may hold the only copy.
 * @param files by path in the archive, with the run each was written for
 * @returns with when that run was made: an older file was written for one of the same number, from before a restore
 */
export async function strayFiles(
  db: Queries,
  files: ReadonlyMap<string, number>,
): Promise<{ file: string; runCreatedAtMs: number }[]> {
  if (files.size === 0) return [];
  const rows = await db
    .selectFrom("runs")
    .leftJoin("transcript_archives", "transcript_archives.run_id", "runs.id")
    .select(["runs.id", "runs.created_at_ms", "transcript_archives.file"])
    .where("runs.id", "in", [...new Set(files.values())])
    .where("runs.transcript_state", "is not", null)
    .execute();
  const runs = new Map(rows.map((row) => [row.id, row]));
  return [...files].flatMap(([file, id]) => {
    const run = runs.get(id);
    return run === undefined || run.file === file ? [] : [{ file, runCreatedAtMs: run.created_at_ms }];
  });
}
