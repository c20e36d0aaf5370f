import type { PostgresPool, PostgresPoolClient } from "kysely";
import pg from "pg";
import { asDatabaseFailure } from "./database-failure.ts";
import { PreparedStatements } from "./prepared-statements.ts";

/** How long a caller waits for a free connection, ms, before the request fails with `unavailable`. */
const CONNECT_TIMEOUT_MS = 10_000;
/** A statement that is not answered for so long has no database behind it, ms: searches are given up after seconds, locks are short. */
const STATEMENT_MS_MAX = 120_000;
/**
 * A transaction in which this process does nothing for so long is ended by the database, ms: a server that stands still must not
 * keep what it has locked from the others.
 */
const IDLE_TRANSACTION_MS_MAX = 30_000;
/** Nothing heard for so long, ms, and the operating system asks whether the other side is there. */
const KEEPALIVE_MS = 10_000;
/** An index of a large table takes its time, and nobody waits for it. */
const TAKES_ITS_TIME = /^create index concurrently/i;
const INT8 = 20;

export interface PoolOptions {
  url: string;
  name: string;
  /** Connections at most. */
  max: number;
  statementMs?: number;
}

/** Connections to PostgreSQL whose failures of the moment are `unavailable`, and of which none waits for ever. */
export class GuardedPool implements PostgresPool {
  readonly pool: pg.Pool;
  private readonly statementMs: number;
  private readonly prepared = new WeakMap<pg.PoolClient, PreparedStatements>();

  constructor({ url, name, max, statementMs = STATEMENT_MS_MAX }: PoolOptions) {
    this.statementMs = statementMs;
    this.pool = new pg.Pool({
      connectionString: url,
      max,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS_MAX,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_MS,
      application_name: name,
      types: {
        getTypeParser: (id, format) => (id === INT8 ? parseInt8 : pg.types.getTypeParser(id, format)),
      },
    });
    // An idle connection that breaks must not end the process; the next query opens a new one.
    this.pool.on("error", () => {});
    // Nor may one that breaks between two queries of a transaction: the pool listens to it only while nobody has it.
    this.pool.on("connect", (client) => client.on("error", () => {}));
  }

  async connect(): Promise<PostgresPoolClient> {
    return new GuardedClient(await this.take(), this.statementMs) as unknown as PostgresPoolClient;
  }

  /** The same connections, on which statements that come again are planned once. Ends with the pool. */
  preparing(): PostgresPool {
    const connect = async () => {
      const client = await this.take();
      const prepared = this.prepared.get(client) ?? new PreparedStatements();
      this.prepared.set(client, prepared);
      return new GuardedClient(client, this.statementMs, prepared) as unknown as PostgresPoolClient;
    };
    return { connect, end: async () => {} };
  }

  private async take(): Promise<pg.PoolClient> {
    try {
      return await this.pool.connect();
    } catch (error) {
      throw asDatabaseFailure(error);
    }
  }

  end(): Promise<void> {
    return this.pool.end();
  }
}

/** The part of a connection that Kysely uses without cursors. */
class GuardedClient {
  constructor(
    private readonly client: pg.PoolClient,
    private readonly statementMs: number,
    private readonly prepared?: PreparedStatements,
  ) {}

  async query(text: string, values: unknown[]): Promise<pg.QueryResult> {
    const timer = TAKES_ITS_TIME.test(text) ? undefined : setTimeout(() => this.cut(), this.statementMs);
    try {
      const name = this.prepared?.nameOf(text);
      return await (name === undefined
        ? this.client.query(text, values)
        : this.client.query({ name, text, values }));
    } catch (error) {
      throw asDatabaseFailure(error);
    } finally {
      clearTimeout(timer);
    }
  }

  release(): void {
    this.client.release();
  }

  /** What waits on it fails, and the pool forgets it. */
  private cut(): void {
    (this.client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }
}

/** Our 64-bit columns are times in ms and counters, all below 2^53. */
function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`a 64-bit value is out of range: ${text}`);
  return value;
}
