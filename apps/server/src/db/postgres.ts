import { Kysely, PostgresDialect, sql } from "kysely";
import pg from "pg";
import { runTransaction } from "./after-commit.ts";
import type { Database } from "./database.ts";
import { openPostgresSignals } from "./postgres-signals.ts";
import type { Schema } from "./schema.ts";

/** Connections of one server beside the one that listens. */
const POOL_MAX = 10;
/** How long a caller waits for a free connection, ms, before the request fails with `unavailable`. */
const CONNECT_TIMEOUT_MS = 10_000;
const INT8 = 20;

/** Opens a PostgreSQL database. Rejects when it cannot be reached. */
export async function openPostgres(url: string): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: url,
    max: POOL_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: "windshift",
    types: { getTypeParser: (id, format) => (id === INT8 ? parseInt8 : pg.types.getTypeParser(id, format)) },
  });
  // An idle connection that breaks must not end the process; the next query opens a new one.
  pool.on("error", () => {});
  // Nor may one that breaks between two queries of a transaction: the pool listens to it only while nobody has it.
  pool.on("connect", (client) => client.on("error", () => {}));
  const signals = await openPostgresSignals(url, pool);
  const kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  return {
    engine: "postgres",
    kysely,
    signals,
    transaction: (work) => runTransaction(kysely, work),
    lateTransaction: (work) =>
      runTransaction(kysely, async (tx) => {
        await sql`set local synchronous_commit = off`.execute(tx);
        return await work(tx);
      }),
    durableTransaction: (work) => runTransaction(kysely, work),
    close: async () => {
      await signals.close();
      await kysely.destroy();
    },
  };
}

/** Our 64-bit columns are times in ms and counters, all below 2^53. */
function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`a 64-bit value is out of range: ${text}`);
  return value;
}
