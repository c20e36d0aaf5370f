import { sql, type Transaction } from "kysely";
import type { Database } from "../db/database.ts";
import type { Schema } from "../db/schema.ts";

/**
 * `database.transaction` for what may be lost when the machine loses power, and with nothing else: the commit does not
 * wait for the disk, and the process is not held up by one that is slow. Commits stay in their order, so that one which
 * does wait for the disk takes all before it along.
 */
export function lateTransaction<T>(
  database: Database,
  work: (tx: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  if (database.engine === "postgres")
    return database.transaction(async (tx) => {
      await sql`set local synchronous_commit = off`.execute(tx);
      return await work(tx);
    });
  // The setting is the connection's, and SQLite takes it between transactions only: nobody else may come in between.
  return database.kysely.connection().execute(async (connection) => {
    await sql`pragma synchronous = normal`.execute(connection);
    try {
      return await connection.transaction().execute(work);
    } finally {
      await sql`pragma synchronous = full`.execute(connection);
    }
  });
}
