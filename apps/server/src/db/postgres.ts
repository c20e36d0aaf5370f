import { Kysely, PostgresDialect } from "kysely";
import { runTransaction } from "./after-commit.ts";
import { runCertainTransaction } from "./certain-transaction.ts";
import type { Database } from "./database.ts";
import { GuardedPool } from "./postgres-pool.ts";
import { openPostgresSignals } from "./postgres-signals.ts";
import type { Schema } from "./schema.ts";

/** Connections of one server beside those for leases and the one that listens. */
const POOL_MAX = 10;
/** Connections kept for what renews leases: short statements only, so that a busy or slow database loses no run. */
const LEASE_POOL_MAX = 3;

/** Opens a PostgreSQL database. Rejects when it cannot be reached. */
export async function openPostgres(url: string, options: { statementMs?: number } = {}): Promise<Database> {
  const pool = new GuardedPool({ url, name: "windshift", max: POOL_MAX, ...options });
  const leasePool = new GuardedPool({ url, name: "windshift leases", max: LEASE_POOL_MAX, ...options });
  const ending = new AbortController();
  const signals = await openPostgresSignals(url, pool.pool).catch(async (error: unknown) => {
    await pool.end();
    throw error;
  });
  const kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  const leases = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: leasePool }) });
  const repeated = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: pool.preparing() }) });
  return {
    engine: "postgres",
    kysely,
    leases,
    signals,
    transaction: (work) => runTransaction(kysely, work),
    // The database may lose its power while this process lives on and takes what it was told for written: so commits wait there,
    // which holds nobody up here.
    lateTransaction: (work) => runCertainTransaction(kysely, ending.signal, work),
    repeatedTransaction: (work) => runTransaction(repeated, work),
    followedTransaction: async (work) => ({ result: await runTransaction(kysely, work), disk: undefined }),
    close: async () => {
      ending.abort();
      await signals.close();
      await Promise.all([kysely.destroy(), leases.destroy()]);
    },
  };
}
