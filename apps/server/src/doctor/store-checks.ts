import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { redact } from "@windshift/base/redact.ts";
import { type Check, failed, passed, warned } from "@windshift/execution/check.ts";
import { folderProblem } from "@windshift/execution/worktree.ts";
import type { ServerSettings } from "../config.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { readMigrations } from "../db/migrate.ts";
import { checkMasterKey, hasMasterKey } from "../secrets/key-check.ts";
import { usesWarning } from "../secrets/key-uses.ts";
import { readMasterKey, secretKeyFile } from "../secrets/secret-key-file.ts";

type StoreSettings = Pick<ServerSettings, "dataDir" | "databaseUrl" | "secretKey" | "previousSecretKey">;

/** Whether the folder is there and can be written to. */
export async function checkDataFolder({ dataDir }: StoreSettings): Promise<Check> {
  const problem = await folderProblem(dataDir);
  if (problem === undefined) return passed("data folder", dataDir);
  return failed(
    "data folder",
    `${dataDir} ${problem}. Make it writable for the user that Windshift runs as, or choose another with WINDSHIFT_DATA.`,
  );
}

/** The database opens and has the schema of this version. Changes nothing in it. */
export async function checkDatabase(settings: StoreSettings): Promise<Check> {
  const where = placeOf(settings);
  try {
    return await withDatabase(settings, async (database) => {
      if (database === undefined) return passed("database", `${where} is made at the first start`);
      const { applied, pending, unknown } = await readMigrations(database);
      if (unknown.length > 0)
        return failed(
          "database",
          `${where} was used by a later version (${unknown.join(", ")}). Start that version again, or go back to a backup from before it.`,
        );
      if (applied.length > 0 && pending.length > 0)
        return warned(
          "database",
          `${where} lacks ${pending.join(", ")}. The server brings it up to date when it starts; make a backup before.`,
        );
      return passed("database", applied.length === 0 ? `${where} is empty` : `${where} is up to date`);
    });
  } catch (error) {
    const why = redact(error instanceof Error ? error.message : String(error));
    return failed(
      "database",
      `${where} cannot be opened (${why}). Check that it is running and that DATABASE_URL (PostgreSQL) or WINDSHIFT_DATA (SQLite) is right.`,
    );
  }
}

/** There is a key, and it is the one the database was used with; none is needed for a database without one. */
export async function checkSecretKey(settings: StoreSettings): Promise<Check> {
  const file = secretKeyFile(settings.dataDir);
  return withDatabase(settings, async (database) => {
    const known = database !== undefined && (await hasMasterKey(database));
    if (settings.secretKey === undefined && !existsSync(file) && !known)
      return passed("secret key", `${file} is made at the first start`);
    const key = await readMasterKey(
      { key: settings.secretKey, previous: settings.previousSecretKey },
      settings.dataDir,
      async () => false,
    );
    if (known) await checkMasterKey(database.kysely, key);
    const worn = known ? await usesWarning(database.kysely, key) : undefined;
    if (worn !== undefined) return warned("secret key", `${worn}: docs/brokers.md says how.`);
    if (settings.secretKey !== undefined) return passed("secret key", `WINDSHIFT_SECRET_KEY (${key.id})`);
    const { mode } = await stat(file);
    if ((mode & 0o077) === 0) return passed("secret key", `${file} (${key.id})`);
    return warned("secret key", `${file} can be read by other users. Protect it: chmod 600 ${file}`);
  });
}

/** Gives the database, or undefined where opening would make a new one. */
async function withDatabase<T>(
  { databaseUrl, dataDir }: StoreSettings,
  work: (database: Database | undefined) => Promise<T>,
): Promise<T> {
  const sqliteFile = sqliteFileOf(dataDir);
  if (databaseUrl === undefined && !existsSync(sqliteFile)) return work(undefined);
  const database = await openDatabase({ url: databaseUrl, sqliteFile });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/** Without user and password. */
function placeOf({ databaseUrl, dataDir }: StoreSettings): string {
  if (databaseUrl === undefined) return sqliteFileOf(dataDir);
  const { host, pathname } = new URL(databaseUrl);
  return `PostgreSQL at ${host}${pathname}`;
}

function sqliteFileOf(dataDir: string): string {
  return join(dataDir, "windshift.db");
}
