import { Database as SqliteFile } from "bun:sqlite";
import { SQL } from "bun";
import { z } from "zod";

type Row = Record<string, unknown>;

/** What an installation holds: every row of these tables. Nobody may be writing. */
export async function readStored(
  place: { url: string | undefined; sqliteFile: string },
  tables: readonly string[],
): Promise<Map<string, Row[]>> {
  if (place.url === undefined) {
    using file = new SqliteFile(place.sqliteFile, { readonly: true });
    return new Map(
      tables.map((table) => [table, file.query(`select * from "${table}"`).all() as Row[]] as const),
    );
  }
  await using sql = new SQL(place.url, { max: 1 });
  const found = new Map<string, Row[]>();
  for (const table of tables) found.set(table, [...(await sql.unsafe(`select * from "${table}"`))]);
  return found;
}

/** Our tables that a database has. */
export async function tablesOf(place: { url: string | undefined; sqliteFile: string }): Promise<string[]> {
  const Named = z.array(z.object({ name: z.string() }));
  if (place.url === undefined) {
    using file = new SqliteFile(place.sqliteFile, { readonly: true });
    const rows = file.query(
      "select name from sqlite_master where type = 'table' and name not like 'sqlite%' and name not like 'kysely%'",
    );
    return Named.parse(rows.all()).map(({ name }) => name);
  }
  await using sql = new SQL(place.url, { max: 1 });
  const rows = await sql.unsafe(
    "select tablename as name from pg_tables where schemaname = current_schema() and tablename not like 'kysely%'",
  );
  return Named.parse([...rows]).map(({ name }) => name);
}

/** What a row is known by and keeps for good, whatever becomes of it. */
const LASTING = /^(?:id|key|name|number|title|scope|scope_id|period|run_id|created_at_ms)$/;

/**
 * Rows of before that are not there any more as they were; further columns may have come. Of a table that is not in `now`, all.
 * @param living tables whose rows go on changing: of these only what a row keeps for good
 * @returns the table, and the row as JSON
 */
export function lostRows(
  before: ReadonlyMap<string, readonly Row[]>,
  now: ReadonlyMap<string, readonly Row[]>,
  living: ReadonlySet<string>,
): string[] {
  return [...before].flatMap(([table, rows]) => {
    const columns = Object.keys(rows[0] ?? {}).filter((name) => !living.has(table) || LASTING.test(name));
    const asText = (row: Row) => JSON.stringify(columns.map((column) => String(row[column] ?? null)));
    const there = new Set((now.get(table) ?? []).map(asText));
    return rows.filter((row) => !there.has(asText(row))).map((row) => `${table}: ${JSON.stringify(row)}`);
  });
}
