import type { PoolId, RunnerId } from "@windshift/contract/ids.ts";
import { LEASE_MS } from "@windshift/contract/limits.ts";
import type { Isolation } from "@windshift/contract/run.ts";
import { sql } from "kysely";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { ClaimFault } from "./claim-fault.ts";
import { standingsOf } from "./claim-standing.ts";
import { parseRun, type Run } from "./run.ts";
import { type OpenPool, takeTurns } from "./run-turns.ts";

/** What a runner host says with its claim; the runner in a server has nothing to say. */
export interface HostClaim {
  /** The start of the program that asks. */
  boot: string;
  /** Tells a repeated claim from a new one. */
  key: string;
  /** Runs it takes at once. */
  capacity: number;
  labels: readonly string[];
}

/** Who asks for a run: the runner in a server, or a host. */
export interface Claimer {
  runner: RunnerId;
  /** How it confines agents; known from the start, so that a run that is lost is not called safer than it was. */
  isolation: Isolation;
  host?: HostClaim | undefined;
}

/** A run that was given to a claimer. */
export interface Claim<C extends Claimer> {
  by: C;
  run: Run;
}

/**
 * What a claimer gets. `again`: its key has brought a run that it holds. `barred`: its host is full, takes no work, or is not
 * the one that is known. `none`: there is nothing for it now, nor for others with its labels.
 */
export type ClaimReply<T> = { kind: "claimed"; made: T } | { kind: "again" | "barred" | "none" };

/**
 * Gives the oldest eligible runs of a pool to those that ask, in one transaction, so two callers never share a run and the caps
 * of the pool and of each host hold at every commit. Fair: the workspace with the fewest runs in progress goes first. A run that
 * asks for labels waits for a runner that has all of them, itself or by its pool.
 * `andThen` runs in the same transaction: what it writes exists exactly if the claims do.
 * @param claimers with the same labels; a runner in a server asks alone
 * @param andThen gives a value for each claim, in their order; throws ClaimFault for one that cannot be
 * @returns a reply for each claimer, in their order; at once when nothing is eligible, never waits
 * @throws ClaimFault from `andThen`, and for whatever else it throws of a single claim; all claims are rolled back
 */
export function claimRuns<C extends Claimer, T>(
  database: Database,
  pool: PoolId,
  claimers: readonly C[],
  andThen: (tx: Queries, claims: readonly Claim<C>[]) => Promise<readonly T[]>,
): Promise<ClaimReply<T>[]> {
  return database.transaction(async (tx) => {
    const open = await lockPool(tx, database, pool);
    if (open === undefined) return claimers.map(() => ({ kind: "none" }));
    const standings = await standingsOf(tx, database, claimers);
    const admitted = claimers.filter((_, at) => standings[at] === "admitted");
    const claims = await take(tx, database, open, admitted);
    const made = claims.length === 0 ? [] : await makeOf(tx, claims, andThen);
    return claimers.map((claimer, at) => {
      const standing = standings[at] ?? "barred";
      if (standing !== "admitted") return { kind: standing };
      const got = claims.findIndex(({ by }) => by === claimer);
      return got < 0 ? { kind: "none" } : { kind: "claimed", made: made[got] as T };
    });
  });
}

/** Whether any run waits in the pool. */
export async function hasQueued(db: Queries, pool: PoolId): Promise<boolean> {
  const row = await db
    .selectFrom("runs")
    .select("id")
    .where("pool_id", "=", pool)
    .where("status", "=", sql.lit("queued"))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Locks the pool's row, so that counting and claiming are one step for all callers. */
async function lockPool(tx: Queries, database: Database, pool: PoolId): Promise<OpenPool | undefined> {
  let query = tx.selectFrom("pools").select(["max_running", "labels"]).where("id", "=", pool);
  if (database.engine === "postgres") query = query.forNoKeyUpdate();
  const found = await query.executeTakeFirst();
  return found && { id: pool, maxRunning: found.max_running, labels: JSON.parse(found.labels) };
}

async function take<C extends Claimer>(
  tx: Queries,
  database: Database,
  pool: OpenPool,
  claimers: readonly C[],
): Promise<Claim<C>[]> {
  const [first] = claimers;
  if (first === undefined) return [];
  const takers = claimers.map(({ runner, isolation, host }) => ({
    runner,
    isolation,
    boot: host?.boot ?? null,
    key: host?.key ?? null,
  }));
  const rows = await takeTurns(tx, database, pool, [...pool.labels, ...(first.host?.labels ?? [])], takers);
  return claimers.flatMap((by, at) => {
    const row = rows[at];
    if (row === undefined) return [];
    try {
      return [{ by, run: parseRun(row) }];
    } catch (cause) {
      throw new ClaimFault(row.id, row.attempt, cause);
    }
  });
}

async function makeOf<C extends Claimer, T>(
  tx: Queries,
  claims: readonly Claim<C>[],
  andThen: (tx: Queries, claims: readonly Claim<C>[]) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  try {
    return await andThen(tx, claims);
  } catch (cause) {
    const [only, ...others] = claims;
    if (cause instanceof ClaimFault || only === undefined || others.length > 0) throw cause;
    throw new ClaimFault(only.run.id, only.run.attempt, cause);
  }
}

/** Runs of the pool that a runner holds. */
export async function countHeld(db: Queries, pool: number): Promise<number> {
  const { held } = await db
    .selectFrom("runs")
    .select((eb) => eb.fn.countAll<number>().as("held"))
    .where("pool_id", "=", pool)
    .where("status", "=", sql.lit("running"))
    .where("lease_expires_at_ms", "is not", null)
    .executeTakeFirstOrThrow();
  return held;
}

/** Renews the lease of a live attempt. `false`: the attempt is over, for whatever reason. */
export async function renewLease(database: Database, run: number, attempt: number): Promise<boolean> {
  const row = await database.kysely
    .updateTable("runs")
    .set({ lease_expires_at_ms: leaseEnd(database) })
    .where("id", "=", run)
    .where("attempt", "=", attempt)
    .where("status", "=", "running")
    .where("lease_expires_at_ms", "is not", null)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

/** Renews the lease of a run that is locked. @returns when it ends, ms since 1970 */
export async function renewLeaseIn(database: Database, tx: Queries, run: number): Promise<number | null> {
  const row = await tx
    .updateTable("runs")
    .set({ lease_expires_at_ms: leaseEnd(database) })
    .where("id", "=", run)
    .returning("lease_expires_at_ms")
    .executeTakeFirstOrThrow();
  return row.lease_expires_at_ms;
}

function leaseEnd(database: Database) {
  return sql<number>`${dbNowMs(database.engine)} + ${sql.lit(LEASE_MS)}`;
}

/** Runs waiting in this pool, and how many of them come before `run`. */
export async function queuePosition(db: Queries, run: Run): Promise<{ depth: number; ahead: number }> {
  const { depth, ahead } = await db
    .selectFrom("runs")
    .select((eb) => [
      eb.fn.countAll<number>().as("depth"),
      eb.fn.countAll<number>().filterWhere("id", "<", run.id).as("ahead"),
    ])
    .where("pool_id", "=", run.pool_id)
    .where("status", "=", "queued")
    .executeTakeFirstOrThrow();
  return { depth, ahead };
}
