import { Database as SqliteFile } from "bun:sqlite";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { AppError } from "@windshift/contract/app-error.ts";
import pg from "pg";
import { lockDataFolder } from "../db/data-folder-lock.ts";
import { openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { addForeignKeys, dropForeignKeys, listTables, type Table, tableText } from "./postgres-tables.ts";

/** Rows of one insert; with the widest table far below PostgreSQL's 65,535 parameters. */
const ROWS_PER_INSERT = 500;
/** A transcript is moved in steps of so many rows between two lines of progress. */
const PROGRESS_ROWS = 50_000;

/** Tables that are named of a database that has others. */
const TABLES_SHOWN = 5;

export interface Moved {
  tables: number;
  rows: number;
}

/**
 * Moves an embedded installation's database to PostgreSQL: everything or nothing, in one transaction there. The SQLite file
 * stays as it is; nobody can write to it meanwhile.
 * @param say told of each table that is done
 * @throws AppError when the file is missing or in use, or the other database is not empty or cannot be reached
 */
export async function moveDatabase(
  sqliteFile: string,
  url: string,
  say: (line: string) => void,
): Promise<Moved> {
  if (!existsSync(sqliteFile))
    throw new AppError("not_found", `there is no SQLite database at ${sqliteFile}; is WINDSHIFT_DATA right?`);
  const lock = lockDataFolder(dirname(sqliteFile));
  try {
    await requireUntouched(sqliteFile, url);
    await bringUpToDate({ url: undefined, sqliteFile });
    await bringUpToDate({ url, sqliteFile });
    return await moveRows(sqliteFile, url, say);
  } finally {
    lock.release();
  }
}

async function moveRows(sqliteFile: string, url: string, say: (line: string) => void): Promise<Moved> {
  const source = openSource(sqliteFile);
  try {
    return await onTarget(url, async (client) => {
      await client.query("begin");
      const moved = await moveAll(source, client, say);
      await client.query("commit");
      return moved;
    });
  } finally {
    source.run("rollback");
    source.close();
  }
}

/** Before anything is changed on either side: nobody else is in the SQLite file, and the other database holds nothing. */
async function requireUntouched(sqliteFile: string, url: string): Promise<void> {
  const source = openSource(sqliteFile);
  try {
    await onTarget(url, (client) => requireNothing(client, tableNames(source)));
  } finally {
    source.run("rollback");
    source.close();
  }
}

async function onTarget<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: "windshift migrate-database" });
  try {
    await client.connect().catch(cannotOpen);
    return await work(client);
  } finally {
    // Ends a transaction too, when it was not committed.
    await client.end();
  }
}

function cannotOpen(cause: Error): never {
  throw new AppError("unavailable", `the database cannot be opened: ${cause.message}`, { cause });
}

/** Both sides have to be of this version's schema. */
async function bringUpToDate(where: Parameters<typeof openDatabase>[0]): Promise<void> {
  const database = await openDatabase(where).catch(cannotOpen);
  try {
    await migrate(database);
  } finally {
    await database.close();
  }
}

/**
 * Takes the whole file, which nobody else may even have open: a server that has nothing to write just now would go on writing
 * to what was moved already, and one of an earlier version knows nothing of the lock of the folder.
 */
function openSource(path: string): SqliteFile {
  const file = new SqliteFile(path, { strict: true, safeIntegers: true });
  try {
    file.run("pragma busy_timeout = 2000");
    file.run("pragma locking_mode = exclusive");
    file.run("begin immediate");
  } catch (cause) {
    file.close();
    throw new AppError("conflict", "something else has the SQLite database open; stop the server first", {
      cause,
    });
  }
  return file;
}

async function moveAll(source: SqliteFile, client: pg.Client, say: (line: string) => void): Promise<Moved> {
  const tables = await listTables(client);
  requireSameTables(source, tables);
  await requireEmpty(
    client,
    tables.map(({ name }) => name),
    "nothing was moved",
  );
  // A row may name another that comes later; the keys are put back, and checked, once all are there.
  const keys = await dropForeignKeys(client);
  // Nor does the database act on a row that is moved: what it made of it is a row that is moved too.
  await setTriggers(client, tables, "disable");
  let rows = 0;
  for (const [at, table] of tables.entries()) {
    const count = await moveTable(source, client, table, say);
    rows += count;
    say(`${at + 1}/${tables.length}  ${table.name}: ${count} rows`);
  }
  await setTriggers(client, tables, "enable");
  await addForeignKeys(client, keys);
  return { tables: tables.length, rows };
}

async function setTriggers(
  client: pg.Client,
  tables: readonly Table[],
  to: "enable" | "disable",
): Promise<void> {
  for (const { name } of tables) await client.query(`alter table ${quoted(name)} ${to} trigger user`);
}

async function moveTable(
  source: SqliteFile,
  client: pg.Client,
  table: Table,
  say: (line: string) => void,
): Promise<number> {
  const { name, columns } = table;
  const names = columns.map((column) => quoted(column.name)).join(", ");
  let moved = 0;
  let batch: unknown[][] = [];
  const flush = async () => {
    if (batch.length === 0) return;
    const marks = batch.map(
      (_, row) => `(${columns.map((_, at) => `$${row * columns.length + at + 1}`).join(", ")})`,
    );
    await client.query(`insert into ${quoted(name)} (${names}) values ${marks.join(", ")}`, batch.flat());
    moved += batch.length;
    batch = [];
    if (moved % PROGRESS_ROWS === 0) say(`       ${name}: ${moved} rows so far`);
  };
  for (const row of source.query(`select ${names} from ${quoted(name)}`).iterate() as Iterable<SqliteRow>) {
    batch.push(columns.map((column) => column.convert(row[column.name] ?? null)));
    if (batch.length === ROWS_PER_INSERT) await flush();
  }
  await flush();
  const count = await client.query<{ n: string }>(`select count(*) as n from ${quoted(name)}`);
  if (Number(count.rows[0]?.n) !== moved)
    throw new AppError("internal", `of ${moved} rows of ${name} only ${count.rows[0]?.n} arrived`);
  if (table.sequence !== null)
    await client.query("select setval($1, $2)", [table.sequence, lastNumber(source, name) || 1]);
  return moved;
}

type SqliteRow = Record<string, bigint | number | string | Uint8Array | null>;

/** The highest number ever given out: one that was deleted does not come again. */
function lastNumber(source: SqliteFile, table: string): number {
  const kept = source.query("select seq from sqlite_sequence where name = ?").get(table) as {
    seq: bigint;
  } | null;
  return Number(kept?.seq ?? 0);
}

function tableNames(source: SqliteFile): string[] {
  const rows = source
    .query("select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\'")
    .all() as { name: string }[];
  return rows.map(({ name }) => name);
}

function requireSameTables(source: SqliteFile, tables: readonly Table[]): void {
  const known = new Set(tables.map(({ name }) => name));
  const unknown = tableNames(source).filter((name) => !known.has(name) && !name.startsWith("kysely_"));
  if (unknown.length > 0 || tables.length === 0)
    throw new AppError("internal", `tables that only one side has: ${tableText(unknown)}`);
}

/** What a move that broke off left is fine: our tables, without rows. The migration's own tables count as nothing. */
async function requireNothing(client: pg.Client, ours: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = current_schema() and c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relname not like 'kysely\\_%' order by c.relname`,
  );
  const names = rows.map(({ name }) => name);
  const foreign = names.filter((name) => !ours.includes(name));
  if (foreign.length > 0)
    throw new AppError(
      "conflict",
      `the PostgreSQL database is not empty (it has ${tableText(foreign.slice(0, TABLES_SHOWN))}); give an empty one, nothing was changed`,
    );
  await requireEmpty(client, names, "nothing was changed");
}

async function requireEmpty(client: pg.Client, names: readonly string[], outcome: string): Promise<void> {
  for (const name of names) {
    const { rows } = await client.query(`select 1 from ${quoted(name)} limit 1`);
    if (rows.length > 0)
      throw new AppError(
        "conflict",
        `the PostgreSQL database is not empty (${name} has rows); give an empty one, ${outcome}`,
      );
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
