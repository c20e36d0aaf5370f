import { type Kysely, sql } from "kysely";
import type { Database } from "./database.ts";
import { TRACKER_INDEXES } from "./migrations/004-tracker.ts";
import { RUN_INDEXES } from "./migrations/005-skills-and-runs.ts";
import { PEOPLE_INDEXES } from "./migrations/006-people.ts";
import { ARCHIVE_INDEXES } from "./migrations/007-transcript-archives.ts";
import { definition, type HotIndex } from "./migrations/hot-index.ts";

/** Every index that a migration may have left out because its table was large. */
const HOT_INDEXES: readonly HotIndex[] = [
  ...TRACKER_INDEXES,
  ...RUN_INDEXES,
  ...PEOPLE_INDEXES,
  ...ARCHIVE_INDEXES,
];
/** Names the lock under which one server makes them. */
const LOCK_ID = 7_741_009_213;

/**
 * Makes the indexes that the update left out, beside servers at work: nobody waits for it. One server does so at a time.
 * @param say told of each that is begun
 * @returns whether all are there; else another server makes them, or one could not be made yet
 */
export async function createMissingIndexes(
  database: Database,
  say: (line: string) => void,
): Promise<boolean> {
  if (database.engine === "sqlite") return true;
  return database.kysely.connection().execute(async (db) => {
    if ((await listMissing(db)).length === 0) return true;
    // Asked for and never waited for: an index waits for whoever waits in a statement, so each would wait for the other.
    const { rows } = await sql<{ got: boolean }>`select pg_try_advisory_lock(${LOCK_ID}) as got`.execute(db);
    if (rows[0]?.got !== true) return false;
    try {
      for (const index of await listMissing(db)) {
        say(`making the index ${index.name} of ${index.on}`);
        // One that broke off is there, and is none.
        await sql.raw(`drop index concurrently if exists ${index.name}`).execute(db);
        await sql.raw(`create index concurrently ${definition(index)}`).execute(db);
      }
      return true;
    } finally {
      await sql`select pg_advisory_unlock(${LOCK_ID})`.execute(db);
    }
  });
}

async function listMissing(db: Kysely<never> | Database["kysely"]): Promise<HotIndex[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_index i
    join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = current_schema() and i.indisvalid`.execute(db as Database["kysely"]);
  const there = new Set(rows.map(({ name }) => name));
  return HOT_INDEXES.filter(({ name }) => !there.has(name));
}
