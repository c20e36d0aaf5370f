import { AppError } from "@windshift/contract/app-error.ts";
import type pg from "pg";

/** A value as SQLite holds it. */
export type Held = bigint | number | string | Uint8Array | null;

export interface Column {
  name: string;
  /** Makes a value of SQLite what the column of PostgreSQL takes. */
  convert(value: Held): unknown;
}

export interface Table {
  name: string;
  columns: readonly Column[];
  /** What numbers its rows; null when nothing does. */
  sequence: string | null;
}

/** Our tables in PostgreSQL, by name. */
export async function listTables(client: pg.Client): Promise<Table[]> {
  const { rows } = await client.query<{ table_name: string; column_name: string; data_type: string }>(
    `select table_name, column_name, data_type from information_schema.columns
     where table_schema = current_schema() and table_name not like 'kysely\\_%' order by table_name, ordinal_position`,
  );
  const found = new Map<string, Column[]>();
  for (const { table_name, column_name, data_type } of rows) {
    const columns = found.get(table_name) ?? [];
    columns.push({ name: column_name, convert: converter(table_name, column_name, data_type) });
    found.set(table_name, columns);
  }
  const tables: Table[] = [];
  for (const [name, columns] of found)
    tables.push({ name, columns, sequence: await sequenceOf(client, name, columns) });
  return tables;
}

/** Keys between tables, as they were. */
export interface ForeignKey {
  table: string;
  name: string;
  definition: string;
}

/** Takes all keys between tables away. @returns them, for `addForeignKeys` */
export async function dropForeignKeys(client: pg.Client): Promise<ForeignKey[]> {
  const { rows } = await client.query<ForeignKey>(
    `select c.conrelid::regclass::text as table, quote_ident(c.conname) as name, pg_get_constraintdef(c.oid) as definition
     from pg_constraint c join pg_namespace n on n.oid = c.connamespace
     where c.contype = 'f' and n.nspname = current_schema()`,
  );
  for (const { table, name } of rows) await client.query(`alter table ${table} drop constraint ${name}`);
  return rows;
}

/** Rejects when a row names another that is not there. */
export async function addForeignKeys(client: pg.Client, keys: readonly ForeignKey[]): Promise<void> {
  for (const { table, name, definition } of keys)
    await client.query(`alter table ${table} add constraint ${name} ${definition}`);
}

/** Names for a sentence; `none` of none. */
export function tableText(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}

async function sequenceOf(
  client: pg.Client,
  table: string,
  columns: readonly Column[],
): Promise<string | null> {
  if (!columns.some(({ name }) => name === "id")) return null;
  const { rows } = await client.query<{ name: string | null }>(
    "select pg_get_serial_sequence($1, 'id') as name",
    [`"${table}"`],
  );
  return rows[0]?.name ?? null;
}

/** @returns what refuses a value the column cannot hold, rather than change it */
function converter(table: string, column: string, type: string): Column["convert"] {
  const wrong = (value: Held) =>
    new AppError("internal", `${table}.${column} (${type}) cannot take ${typeof value} from SQLite`);
  switch (type) {
    case "integer":
    case "bigint":
    case "double precision":
    case "numeric":
      return (value) => {
        if (value === null || typeof value === "number") return value;
        if (typeof value === "bigint") return value.toString();
        throw wrong(value);
      };
    case "text":
    case "character varying":
      return (value) => {
        if (value === null || typeof value === "string") return value;
        if (typeof value === "bigint" || typeof value === "number") return value.toString();
        throw wrong(value);
      };
    case "boolean":
      return (value) => (value === null ? null : Number(value) !== 0);
    case "timestamp with time zone":
    case "timestamp without time zone":
    case "date":
      return (value) => {
        if (value === null) return null;
        const date = new Date(typeof value === "string" ? value : Number(value));
        if (Number.isNaN(date.getTime())) throw wrong(value);
        return date.toISOString();
      };
    case "bytea":
      return (value) => (value instanceof Uint8Array ? Buffer.from(value) : value);
    default:
      throw new AppError("internal", `${table}.${column} is of a type nobody moves: ${type}`);
  }
}
