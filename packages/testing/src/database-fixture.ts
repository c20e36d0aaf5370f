import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { SQL } from "bun";
import { tempDir } from "./temp-dir.ts";

/** A database of its own for one test file, on the engine the test run chose. */
export interface DatabaseFixture {
  engine: "sqlite" | "postgres";
  /** As in DATABASE_URL; undefined means SQLite. */
  url: string | undefined;
  /** Data folder of a server under test; the SQLite file goes here. */
  dataDir: string;
  sqliteFile: string;
  /** Removes the database and the folder; connections that are still open are cut. */
  drop(): Promise<void>;
}

/**
 * Makes an empty database.
 * @param env WINDSHIFT_TEST_DATABASE chooses `sqlite` (the default) or `postgres`; for the latter
 *   WINDSHIFT_TEST_DATABASE_URL is an administrator's address. `npm test` sets both.
 * @param template of PostgreSQL: a database that nobody is connected to, to make a copy of
 * @throws Error when the choice is neither, or the server cannot be reached
 */
export async function createDatabase(
  env: Record<string, string | undefined>,
  template = "template1",
): Promise<DatabaseFixture> {
  const engine = env.WINDSHIFT_TEST_DATABASE || "sqlite";
  const dir = tempDir();
  const fixture = { dataDir: dir.path, sqliteFile: join(dir.path, "windshift.db") };
  if (engine === "sqlite") return { ...fixture, engine, url: undefined, drop: async () => dir.remove() };
  if (engine !== "postgres") {
    throw new Error(`WINDSHIFT_TEST_DATABASE must be sqlite or postgres, not ${JSON.stringify(engine)}`);
  }
  const adminUrl = env.WINDSHIFT_TEST_DATABASE_URL;
  if (!adminUrl) throw new Error("WINDSHIFT_TEST_DATABASE_URL is not set; run the tests with `npm test`");
  const name = `windshift_test_${randomBytes(8).toString("hex")}`;
  try {
    await administer(adminUrl, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  } catch (error) {
    dir.remove();
    throw error;
  }
  return {
    ...fixture,
    engine,
    url: withDatabase(adminUrl, name),
    drop: async () => {
      dir.remove();
      await administer(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

/**
 * Of cases that differ in what is outside of the database: all of them where the tests run on SQLite, and on PostgreSQL, where the
 * same tests run for its sake, the ones that are named.
 */
export function casesForEngine<T>(
  env: Record<string, string | undefined>,
  all: readonly T[],
  onPostgres: (one: T) => boolean,
): readonly T[] {
  return env.WINDSHIFT_TEST_DATABASE === "postgres" ? all.filter(onPostgres) : all;
}

/** One statement in the administrator's own database. */
export async function administer(adminUrl: string, statement: string): Promise<void> {
  const sql = new SQL(adminUrl, { max: 1 });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.close();
  }
}

function withDatabase(adminUrl: string, name: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return url.href;
}
