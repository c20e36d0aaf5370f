import { type Kysely, type RawBuilder, sql, type Transaction } from "kysely";
import type { RunFigures } from "./run-figures.ts";
import type { Schema } from "./schema.ts";
import type { Signals } from "./signals.ts";
import { openSqlite } from "./sqlite.ts";

export type Engine = "sqlite" | "postgres";
/** What a store works on: the database itself or a transaction of it. */
export type Queries = Kysely<Schema> | Transaction<Schema>;

/** One schema on either engine; no feature needs one of them. */
export interface Database {
  readonly engine: Engine;
  readonly kysely: Kysely<Schema>;
  /** The same with connections of its own, for the short statements that renew leases: work that is slow does not hold them up. */
  readonly leases: Kysely<Schema>;
  /** Wake-ups between everything that uses this database, other servers included. */
  readonly signals: Signals;
  /** Told of what happens to runs, for figures. */
  readonly figures?: RunFigures;
  /** Runs `work` in one transaction; rolled back when it rejects. */
  transaction<T>(work: (tx: Transaction<Schema>) => Promise<T>): Promise<T>;
  /**
   * The same for what may be lost when the machine loses power, and with nothing else: the commit does not wait for the
   * disk. Commits stay in their order, so that one which does wait takes all before it along.
   */
  lateTransaction<T>(work: (tx: Transaction<Schema>) => Promise<T>): Promise<T>;
  /**
   * The same, on the disk when it resolves, without holding the process up meanwhile: others may see what was written before
   * it is safe. For what nobody tells the outside about but the caller. Should the disk fail, it rejects, and what it wrote stands.
   */
  durableTransaction<T>(work: (tx: Transaction<Schema>) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Time as the database tells it, UTC ms: the only clock that leases, attempts and expiry are judged by. */
export function dbNowMs(engine: Engine): RawBuilder<number> {
  return engine === "sqlite"
    ? sql<number>`cast(unixepoch('subsec') * 1000 as integer)`
    : sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`;
}

/** Opens `postgres://…` or, without an address, the SQLite file. Nothing is created in the database; see migrate. */
export async function openDatabase(options: {
  url: string | undefined;
  sqliteFile: string;
}): Promise<Database> {
  if (options.url === undefined) return openSqlite(options.sqliteFile);
  const { openPostgres } = await import("./postgres.ts"); // the client is not loaded where nobody needs it
  return openPostgres(options.url);
}
