import { DEFAULT_MIGRATION_TABLE, Migrator, sql } from "kysely";
import type { Database } from "./database.ts";
import { migrateInitial } from "./migrations/001-initial.ts";
import { migrateForgesAndBudgets } from "./migrations/002-forges-and-budgets.ts";
import { migrateRunnerHosts } from "./migrations/003-runner-hosts.ts";
import { migrateTracker } from "./migrations/004-tracker.ts";
import { migrateSkillsAndRuns } from "./migrations/005-skills-and-runs.ts";
import { migratePeople } from "./migrations/006-people.ts";

/** Every schema change in order. A name is never changed or removed once released. */
const MIGRATIONS = {
  "001-initial": migrateInitial,
  "002-forges-and-budgets": migrateForgesAndBudgets,
  "003-runner-hosts": migrateRunnerHosts,
  "004-tracker": migrateTracker,
  "005-skills-and-runs": migrateSkillsAndRuns,
  "006-people": migratePeople,
};

/**
 * Brings the schema up to date. Safe to call from several servers at once: the engine's lock lets one work.
 * @param progress told of each migration that was applied
 * @throws Error when a migration fails; what it began is rolled back
 */
export async function migrate(
  database: Database,
  progress: (line: string) => void = () => {},
): Promise<void> {
  const provider = {
    getMigrations: async () =>
      Object.fromEntries(
        Object.entries(MIGRATIONS).map(([name, up]) => [
          name,
          { up: (db: never) => up(db, database.engine) },
        ]),
      ),
  };
  const { error, results } = await new Migrator({ db: database.kysely, provider }).migrateToLatest();
  for (const result of results ?? []) progress(`migration ${result.migrationName}: ${result.status}`);
  if (error !== undefined) throw new Error("the database could not be brought up to date", { cause: error });
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
