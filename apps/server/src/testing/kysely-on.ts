import type { Database as SqliteFile } from "bun:sqlite";
import { Kysely } from "kysely";
import type { Schema } from "../db/schema.ts";
import { sqliteDialect } from "../db/sqlite-dialect.ts";

/** The product's queries on a database that a test has opened itself. */
export function kyselyOn(sqlite: SqliteFile): Kysely<Schema> {
  return new Kysely<Schema>({ dialect: sqliteDialect(sqlite) });
}
