import { Database as SqliteFile } from "bun:sqlite";

interface Column {
  name: string;
  type: string;
  notnull: number;
  pk: number;
}
interface Reference {
  id: number;
  table: string;
  from: string;
  to: string | null;
}
type Value = string | number;

/** The largest number that our 64-bit columns hold: one that was squeezed on the way comes out as another. */
const LARGE = Number.MAX_SAFE_INTEGER;

/** Puts a row into every table of a SQLite database that has none, in each of its columns a value of its type. */
export function fillEmptyTables(path: string): void {
  const file = new SqliteFile(path, { strict: true });
  file.run("pragma foreign_keys = on");
  const names = file
    .query(
      "select name from sqlite_master where type = 'table' and name not like 'sqlite%' and name not like 'kysely%'",
    )
    .all() as { name: string }[];
  // A row may name one of a table that comes later: as often round as there are tables.
  let empty = names.map(({ name }) => name).filter((name) => isEmpty(file, name));
  while (empty.length > 0) {
    for (const name of empty) fill(file, name);
    const left = empty.filter((name) => isEmpty(file, name));
    if (left.length === empty.length) throw new Error(`these tables could not be filled: ${left.join(", ")}`);
    empty = left;
  }
  file.close();
}

function isEmpty(file: SqliteFile, table: string): boolean {
  return file.query(`select 1 from "${table}" limit 1`).get() === null;
}

/** Leaves the table as it is while another that it names is empty. */
function fill(file: SqliteFile, table: string): void {
  const columns = file.query(`pragma table_info("${table}")`).all() as Column[];
  const references = file.query(`pragma foreign_key_list("${table}")`).all() as Reference[];
  const named = new Map<string, Value>();
  for (const group of Map.groupBy(references, ({ id }) => id).values()) {
    const parent = group[0]?.table ?? "";
    const row = file.query(`select * from "${parent}" limit 1`).get() as Record<string, Value> | null;
    if (row === null) return;
    for (const { from, to } of group) named.set(from, row[to ?? "id"] as Value);
  }
  const values = columns.map((column) => named.get(column.name) ?? sampleOf(table, column));
  const list = columns.map(({ name }) => `"${name}"`).join(", ");
  file.query(`insert into "${table}" (${list}) values (${columns.map(() => "?").join(", ")})`).run(...values);
}

function sampleOf(table: string, { name, type, pk }: Column): Value {
  const kind = type.toLowerCase();
  if (/bigint|numeric/.test(kind) && pk === 0) return LARGE;
  if (/int|real|double|numeric/.test(kind)) return 1;
  if (/bool/.test(kind)) return 1;
  if (/date|time/.test(kind)) return "2026-01-02T03:04:05.678Z";
  return `${table}.${name} '🪁\\`;
}
