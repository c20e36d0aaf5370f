import { Database as SqliteFile } from "bun:sqlite";
import { createHash, randomBytes } from "node:crypto";
import { copyFileSync, existsSync, renameSync } from "node:fs";
import { basename, join } from "node:path";
import { administer, createDatabase, type DatabaseFixture } from "./database-fixture.ts";

/** Set by `npm test`: a folder of the test run where databases are kept that others are copies of. */
export const TEMPLATE_DIR = "WINDSHIFT_TEST_TEMPLATE_DIR";

/** Fills an empty database, and has let go of it when it resolves. */
export type FillDatabase = (fixture: DatabaseFixture) => Promise<void>;

type Environment = Record<string, string | undefined>;

/**
 * As `createDatabase`, and filled. In a test run of `npm test` it is filled once for each engine and name, and copied then: to bring a
 * database up to date takes 0.2 s of processor time and more, a copy next to none.
 * @param name of what it is filled with
 */
export async function createFilledDatabase(
  env: Environment,
  name: string,
  fill: FillDatabase,
): Promise<DatabaseFixture> {
  const dir = env[TEMPLATE_DIR];
  if (dir === undefined || dir === "") {
    const fixture = await createDatabase(env);
    await fill(fixture);
    return fixture;
  }
  if (env.WINDSHIFT_TEST_DATABASE !== "postgres") return copySqlite(env, join(dir, `${name}.db`), fill);
  // The folder is the test run's own, and so is the name that comes of it.
  const run = createHash("sha256").update(dir).digest("hex").slice(0, 12);
  return copyPostgres(env, `windshift_${name}_${run}`, fill);
}

async function copySqlite(env: Environment, template: string, fill: FillDatabase): Promise<DatabaseFixture> {
  if (!existsSync(template)) {
    const first = await createDatabase(env);
    await fill(first);
    const made = `${template}-${randomBytes(8).toString("hex")}`;
    copyWhole(first.sqliteFile, made);
    // Whole at once: another process may be at the same, with the same outcome.
    renameSync(made, template);
    await first.drop();
  }
  const fixture = await createDatabase(env);
  copyFileSync(template, fixture.sqliteFile);
  return fixture;
}

/** With what stands in the write-ahead log, which may outlive the connection that wrote it. */
function copyWhole(from: string, to: string): void {
  using sqlite = new SqliteFile(from);
  sqlite.run("VACUUM INTO ?", [to]);
}

async function copyPostgres(
  env: Environment,
  template: string,
  fill: FillDatabase,
): Promise<DatabaseFixture> {
  try {
    return await createDatabase(env, template);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const first = await createDatabase(env);
  await fill(first);
  const name = basename(new URL(first.url ?? "").pathname);
  try {
    await administer(env.WINDSHIFT_TEST_DATABASE_URL ?? "", `ALTER DATABASE ${name} RENAME TO ${template}`);
  } catch (error) {
    if (!isTaken(error)) throw error;
  }
  // Under its new name it stays; where another process was faster, this one goes.
  await first.drop();
  return createDatabase(env, template);
}

const isMissing = (error: unknown) =>
  error instanceof Error && /template database .* does not exist/.test(error.message);
const isTaken = (error: unknown) => error instanceof Error && /already exists/.test(error.message);
