import type { Database as SqliteFile } from "bun:sqlite";
import pg from "pg";
import { addForeignKeys, dropForeignKeys, type Held, listTables } from "../move/postgres-tables.ts";

type Row = Record<string, Held>;

/** Every row of every table of ours, as JSON. */
export function rowsOf(file: SqliteFile): Map<string, string[]> {
  const names = file
    .query(
      "select name from sqlite_master where type = 'table' and name not like 'sqlite%' and name not like 'kysely%'",
    )
    .all() as { name: string }[];
  return new Map(
    names.map(({ name }) => [
      name,
      (file.query(`select * from "${name}"`).all() as object[]).map((row) => JSON.stringify(row)),
    ]),
  );
}

/** Puts the rows of a SQLite database into a PostgreSQL database of the same schema: what that version would have left there. */
export async function copyRows(file: SqliteFile, url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const keys = await dropForeignKeys(client);
    for (const { name, columns, sequence } of await listTables(client)) {
      const list = columns.map((column) => `"${column.name}"`).join(", ");
      const marks = columns.map((_, at) => `$${at + 1}`).join(", ");
      for (const row of file.query(`select * from "${name}"`).all() as Row[])
        await client.query(
          `insert into "${name}" (${list}) values (${marks})`,
          columns.map((column) => column.convert(row[column.name] ?? null)),
        );
      if (sequence !== null)
        await client.query(`select setval($1, greatest((select max(id) from "${name}"), 1))`, [sequence]);
    }
    await addForeignKeys(client, keys);
  } finally {
    await client.end();
  }
}
