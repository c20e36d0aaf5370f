import { Database as SqliteFile } from "bun:sqlite";
import { Kysely } from "kysely";
import { runTransaction } from "./after-commit.ts";
import type { Database } from "./database.ts";
import type { Schema } from "./schema.ts";
import { LocalSignals } from "./signals.ts";
import { sqliteDialect } from "./sqlite-dialect.ts";

/** How long a statement waits for another process that writes (a backup, say), ms. */
const BUSY_TIMEOUT_MS = 5_000;

/** Opens the embedded database: one file, write-ahead log, every commit on disk before it is answered. */
export async function openSqlite(file: string): Promise<Database> {
  const sqlite = new SqliteFile(file, { create: true });
  sqlite.run("PRAGMA journal_mode = WAL");
  sqlite.run("PRAGMA synchronous = FULL");
  sqlite.run("PRAGMA foreign_keys = ON");
  sqlite.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const kysely = new Kysely<Schema>({ dialect: sqliteDialect(sqlite) });
  return {
    engine: "sqlite",
    kysely,
    signals: new LocalSignals(),
    transaction: (work) => runTransaction(kysely, work),
    close: () => kysely.destroy(),
  };
}
