import { Database as SqliteFile } from "bun:sqlite";
import { SQL } from "bun";

/** A database without anything of ours around it. */
export interface BareDatabase {
  /** Runs one statement and reads its rows. */
  run(statement: string): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Opens one connection.
 * @param at with `url` undefined, the SQLite file
 */
export function openBare(at: { url: string | undefined; sqliteFile: string }): BareDatabase {
  if (at.url === undefined) {
    const sqlite = new SqliteFile(at.sqliteFile);
    return { run: async (statement) => sqlite.query(statement).all(), close: async () => sqlite.close() };
  }
  const postgres = new SQL(at.url, { max: 1 });
  return { run: (statement) => postgres.unsafe(statement), close: () => postgres.close() };
}
