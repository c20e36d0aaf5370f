import { Database as SqliteFile } from "bun:sqlite";
import { Kysely, sql, type Transaction } from "kysely";
import { runTransaction } from "./after-commit.ts";
import type { Database } from "./database.ts";
import type { Schema } from "./schema.ts";
import { LocalSignals } from "./signals.ts";
import { sqliteDialect } from "./sqlite-dialect.ts";
import { type Flush, WalSync } from "./wal-sync.ts";

/** How long a statement waits for another process that writes (a backup, say), ms. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens the embedded database: one file, write-ahead log, every commit on disk before it is answered.
 * @param flush in place of the disk, for tests
 */
export async function openSqlite(file: string, flush?: Flush): Promise<Database> {
  const sqlite = new SqliteFile(file, { create: true });
  sqlite.run("PRAGMA journal_mode = WAL");
  sqlite.run("PRAGMA synchronous = FULL");
  sqlite.run("PRAGMA foreign_keys = ON");
  sqlite.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const kysely = new Kysely<Schema>({ dialect: sqliteDialect(sqlite) });
  const wal = new WalSync(file, flush);
  return {
    engine: "sqlite",
    kysely,
    leases: kysely,
    signals: new LocalSignals(),
    transaction: (work) => runTransaction(kysely, work),
    lateTransaction: (work) => runLate(kysely, work),
    repeatedTransaction: (work) => runTransaction(kysely, work),
    followedTransaction: async (work) => {
      wal.assertSound();
      const result = await runLate(kysely, work);
      const done = wal.sync();
      done.catch(() => {}); // whoever waits for it hears of it
      return { result, disk: { done, lagMs: () => wal.lagMs() } };
    },
    close: async () => {
      await wal.close();
      await kysely.destroy();
    },
  };
}

/** The setting is the connection's, and SQLite takes it between transactions only: nobody else may come in between. */
function runLate<T>(kysely: Kysely<Schema>, work: (tx: Transaction<Schema>) => Promise<T>): Promise<T> {
  return kysely.connection().execute(async (connection) => {
    await sql`pragma synchronous = normal`.execute(connection);
    try {
      return await connection.transaction().execute(work);
    } finally {
      await sql`pragma synchronous = full`.execute(connection);
    }
  });
}
