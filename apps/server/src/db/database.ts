import { type Kysely, type RawBuilder, sql, type Transaction } from "kysely";
import type { RunFigures } from "./run-figures.ts";
import type { Schema } from "./schema.ts";
import type { Signals } from "./signals.ts";
import { openSqlite } from "./sqlite.ts";

export type Engine = "sqlite" | "postgres";
/** What a store works on: the database itself or a transaction of it. */
export type Queries = Kysely<Schema> | Transaction<Schema>;

/** What was committed and is on its way to the disk. */
export interface DiskWait {
  /** Resolves when it is there, rejects when the disk failed. May be left alone. */
  readonly done: Promise<void>;
  /** For how long the oldest commit of this kind has been on its way, ms; endless once the disk failed. */
  lagMs(): number;
}

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
   * disk. Commits stay in their order, so that one which does wait takes all before it along. A PostgreSQL may lose its power
   * alone: there it waits, and resolves also when only the answer to the commit was lost.
   */
  lateTransaction<T>(work: (tx: Transaction<Schema>) => Promise<T>): Promise<T>;
  /**
   * The same for what is done over and over and is to be cheap: PostgreSQL plans the statements once for each connection, where that
   * takes it longer than to carry them out. For statements whose plan does not hang on the values.
   */
  repeatedTransaction<T>(work: (tx: Transaction<Schema>) => Promise<T>): Promise<T>;
  /**
   * The same for what the caller may act on a little before it is on the disk: it resolves when it is committed, and a
   * process that dies loses nothing of it. The disk writes it beside the process; the caller says how long that may take.
   * Once the disk failed it rejects, and what was written before stands.
   * @returns `disk` is undefined when it is there already
   */
  followedTransaction<T>(
    work: (tx: Transaction<Schema>) => Promise<T>,
  ): Promise<{ result: T; disk: DiskWait | undefined }>;
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
