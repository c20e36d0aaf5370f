import { sql } from "kysely";
import type { Engine } from "../database.ts";
import type { Db } from "./columns.ts";

/** An index on a table that servers of the version before write to while the schema changes. */
export interface HotIndex {
  name: string;
  on: string;
  columns: readonly string[];
  /** Only these rows, as SQL. */
  where?: string;
}

/** Rows up to which an index is made at once: some 20 ms, in which writers wait. */
const AT_ONCE_ROWS_MAX = 10_000;

/**
 * Makes an index, unless that would hold up other servers: then it is left to `createMissingIndexes`. With SQLite there are
 * no others.
 */
export async function createOrLeave(db: Db, engine: Engine, index: HotIndex): Promise<void> {
  if (engine === "postgres" && (await isLarge(db, index.on))) return;
  await sql.raw(`create index ${definition(index)}`).execute(db);
}

/** All of `create index` but its first words. */
export function definition({ name, on, columns, where }: HotIndex): string {
  return `${name} on ${on} (${columns.join(", ")})${where === undefined ? "" : ` where ${where}`}`;
}

async function isLarge(db: Db, table: string): Promise<boolean> {
  const found = await db
    .selectFrom(table)
    .select(sql.lit(1).as("one"))
    .limit(1)
    .offset(AT_ONCE_ROWS_MAX)
    .executeTakeFirst();
  return found !== undefined;
}
