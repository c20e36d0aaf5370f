import { backoffMs } from "@windshift/base/backoff.ts";
import { systemClock } from "@windshift/base/clock.ts";
import { DEFAULT_MIGRATION_TABLE, type MigrationProvider, Migrator, sql } from "kysely";
import type { Database } from "./database.ts";
import { migrateInitial } from "./migrations/001-initial.ts";
import { migrateForgesAndBudgets } from "./migrations/002-forges-and-budgets.ts";
import { migrateRunnerHosts } from "./migrations/003-runner-hosts.ts";
import { migrateTracker } from "./migrations/004-tracker.ts";
import { migrateSkillsAndRuns } from "./migrations/005-skills-and-runs.ts";
import { migratePeople } from "./migrations/006-people.ts";
import { migrateTranscriptArchives } from "./migrations/007-transcript-archives.ts";

/** Every schema change in order. A name is never changed or removed once released. */
const MIGRATIONS = {
  "001-initial": migrateInitial,
  "002-forges-and-budgets": migrateForgesAndBudgets,
  "003-runner-hosts": migrateRunnerHosts,
  "004-tracker": migrateTracker,
  "005-skills-and-runs": migrateSkillsAndRuns,
  "006-people": migratePeople,
  "007-transcript-archives": migrateTranscriptArchives,
};

/**
 * How long a change of the schema waits for a table, ms. Whoever comes after it waits behind it, so that this, and the moment
 * the change takes, is what servers at work notice.
 */
const TABLE_WAIT_MS_MAX = 500;
/** Waits between tries when a table is not to be had, ms: those that were held up get through meanwhile. */
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 5_000;
/** Tries until it is given up: some ten minutes, in which a dump of the database or a long report has ended. */
const TRIES_MAX = 120;
/** What PostgreSQL says when a table was not to be had in time. */
const NOT_IN_TIME = "55P03";

/**
 * Brings the schema up to date. Safe to call from several servers at once: the engine's lock lets one work. Servers of the
 * version before may be at work meanwhile: no table is locked for longer than a moment.
 * @param progress told of each migration that was applied
 * @throws Error when a migration fails, or the database is of a later version; what that one began is rolled back
 */
export async function migrate(
  database: Database,
  progress: (line: string) => void = () => {},
): Promise<void> {
  const { pending, unknown } = await readMigrations(database);
  if (unknown.length > 0)
    throw new Error(
      `the database is of a later version of Windshift (it has ${unknown.join(", ")}); start that version`,
    );
  if (pending.length === 0) return;
  const migrator = new Migrator({ db: database.kysely, provider: providerFor(database) });
  for (let tries = 1; ; ) {
    // Each in a transaction of its own, so that what one has locked is free before the next begins.
    const { error, results } = await migrator.migrateUp();
    const isBusy = error instanceof Error && "code" in error && error.code === NOT_IN_TIME;
    if (isBusy && tries < TRIES_MAX) {
      progress(`a table is in use; the database is brought up to date when it is free (try ${tries})`);
      await systemClock.sleep(backoffMs(tries++, RETRY_FIRST_MS, RETRY_MAX_MS));
      continue;
    }
    for (const result of results ?? []) progress(`migration ${result.migrationName}: ${result.status}`);
    if (error !== undefined)
      throw new Error("the database could not be brought up to date", { cause: error });
    if (results === undefined || results.length === 0) return;
  }
}

function providerFor({ engine }: Database): MigrationProvider {
  const apply =
    (up: (typeof MIGRATIONS)[keyof typeof MIGRATIONS]) => async (db: Parameters<typeof up>[0]) => {
      if (engine === "postgres")
        await sql`set local lock_timeout = ${sql.lit(TABLE_WAIT_MS_MAX)}`.execute(db);
      await up(db, engine);
    };
  return {
    getMigrations: async () =>
      Object.fromEntries(Object.entries(MIGRATIONS).map(([name, up]) => [name, { up: apply(up) }])),
  };
}

/**
 * What the database has of the schema changes, what this version would still do to it, and what only a later one can have
 * done. Reads only.
 */
export async function readMigrations({ kysely }: Database): Promise<{
  applied: string[];
  pending: string[];
  unknown: string[];
}> {
  const tables = await kysely.introspection.getTables({ withInternalKyselyTables: true });
  const applied = tables.some(({ name }) => name === DEFAULT_MIGRATION_TABLE)
    ? (await sql<{ name: string }>`select name from ${sql.table(DEFAULT_MIGRATION_TABLE)}`.execute(kysely))
        .rows
    : [];
  const had = new Set(applied.map(({ name }) => name));
  const known = Object.keys(MIGRATIONS);
  return {
    applied: [...had],
    pending: known.filter((name) => !had.has(name)),
    unknown: [...had].filter((name) => !known.includes(name)),
  };
}
