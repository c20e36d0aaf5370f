import type { SQLQueryBindings, Database as SqliteFile, Statement } from "bun:sqlite";
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { asDatabaseFailure } from "./database-failure.ts";

/** Statements kept ready to run, of some KB each: those in use at a time. Lists of ids make further ones of each length. */
const STATEMENTS_MAX = 200;
/** What may be kept; settings may not, since they take effect while they are prepared. All else may change the schema, and make it stale. */
const KEPT = /^\s*(?:select|insert|update|delete|with|begin|commit|rollback)\b/i;
const SETTING = /^\s*pragma\b/i;

/** Kysely on one connection to an SQLite file: whoever has it keeps others waiting until it is given back. */
export function sqliteDialect(file: SqliteFile): Dialect {
  return {
    createDriver: () => new SqliteDriver(file),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

class SqliteDriver implements Driver {
  private readonly connection: SqliteConnection;
  /** Who waits for the connection, in order; undefined while nobody has it. */
  private waiting: (() => void)[] | undefined;

  constructor(private readonly file: SqliteFile) {
    this.connection = new SqliteConnection(file);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const { waiting } = this;
    if (waiting === undefined) this.waiting = [];
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return this.connection;
  }

  async releaseConnection(): Promise<void> {
    const next = this.waiting?.shift();
    if (next === undefined) this.waiting = undefined;
    else next();
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("begin"));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("commit"));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // A full disk has ended it already; that is the failure to tell, not this.
    if (this.file.inTransaction) await connection.executeQuery(CompiledQuery.raw("rollback"));
  }

  async destroy(): Promise<void> {
    this.connection.forget();
    this.file.close();
  }
}

interface Kept {
  statement: Statement<unknown, SQLQueryBindings[]>;
  hasRows: boolean;
}

class SqliteConnection implements DatabaseConnection {
  /** By their text, the longest unused one first. */
  private readonly kept = new Map<string, Kept>();
  constructor(private readonly file: SqliteFile) {}

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { statement, hasRows } = this.prepare(sql);
    const values = parameters as SQLQueryBindings[];
    try {
      if (hasRows) return { rows: statement.all(...values) as R[] };
      const { lastInsertRowid, changes } = statement.run(...values);
      return { insertId: BigInt(lastInsertRowid), numAffectedRows: BigInt(changes), rows: [] };
    } catch (error) {
      throw asDatabaseFailure(error);
    }
  }

  async *streamQuery<R>({ sql, parameters }: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    // Others may run the same statement meanwhile, so it is not one of those that are kept.
    const statement = this.file.prepare<R, SQLQueryBindings[]>(sql);
    for (const row of statement.iterate(...(parameters as SQLQueryBindings[]))) yield { rows: [row] };
  }

  forget(): void {
    for (const { statement } of this.kept.values()) statement.finalize();
    this.kept.clear();
  }

  private prepare(sql: string): Kept {
    const known = this.kept.get(sql);
    if (known !== undefined) {
      this.kept.delete(sql);
      this.kept.set(sql, known);
      return known;
    }
    const statement = this.file.prepare<unknown, SQLQueryBindings[]>(sql);
    const fresh = { statement, hasRows: statement.columnNames.length > 0 };
    if (!KEPT.test(sql)) {
      if (!SETTING.test(sql)) this.forget();
      return fresh;
    }
    if (this.kept.size >= STATEMENTS_MAX) this.drop();
    this.kept.set(sql, fresh);
    return fresh;
  }

  private drop(): void {
    for (const [sql, { statement }] of this.kept) {
      this.kept.delete(sql);
      statement.finalize();
      return;
    }
  }
}
