import type { CreateTableBuilder, Kysely } from "kysely";
import type { Engine } from "../database.ts";

// biome-ignore lint/suspicious/noExplicitAny: a migration is written against the schema of its own time, not today's.
export type Db = Kysely<any>;

/** Starts a table with an integer key that the engine numbers and never gives out twice. */
export function identified(db: Db, engine: Engine, name: string): CreateTableBuilder<string, "id"> {
  return engine === "sqlite"
    ? db.schema.createTable(name).addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    : db.schema.createTable(name).addColumn("id", "serial", (c) => c.primaryKey());
}

export type NewColumn = [name: string, type: "text" | "integer" | "bigint", byDefault?: string | number];

/** Adds columns to a table that exists. One without a default may be null. */
export async function addColumns(db: Db, table: string, columns: readonly NewColumn[]): Promise<void> {
  for (const [name, type, byDefault] of columns)
    await db.schema
      .alterTable(table)
      .addColumn(name, type, (c) => (byDefault === undefined ? c : c.notNull().defaultTo(byDefault)))
      .execute();
}
