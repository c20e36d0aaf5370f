import { AppError } from "@windshift/contract/app-error.ts";
import type { PoolId, RunnerId } from "@windshift/contract/ids.ts";
import { LEASE_MS } from "@windshift/contract/limits.ts";
import type { Isolation } from "@windshift/contract/run.ts";
import { sql } from "kysely";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { ClaimFault } from "./claim-fault.ts";
import { standingsOf } from "./claim-standing.ts";
import { parseRun, type Run, type RunRow } from "./run.ts";
import { nextInLine, type OpenPool } from "./run-turns.ts";

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

/** A run that is given to a claimer, as it is from now on. */
export interface Claim<C extends Claimer> {
  by: C;
  run: Run;
}

/** What is made of a claim. */
export interface Made<T> {
  value: T;
  /** What the attempt begins with; null leaves what is stored. */
  prompt: string | null;
}

/**
 * What a claimer gets. `again`: its key has brought a run that it holds. `barred`: its host is full, takes no work, or is not
 * the one that is known. `none`: there is nothing for it now, nor for others with its labels.
 */
export type ClaimReply<T> = { kind: "claimed"; value: T } | { kind: "again" | "barred" | "none" };

type Make<C extends Claimer, T> = (tx: Queries, claims: readonly Claim<C>[]) => Promise<readonly Made<T>[]>;

/**
 * Gives the oldest eligible runs of a pool to those that ask, in one transaction, so two callers never share a run and the caps
 * of the pool and of each host hold at every commit. Fair: the workspace with the fewest runs in progress goes first. A run that
 * asks for labels waits for a runner that has all of them, itself or by its pool.
 * `make` runs in the same transaction: what it writes exists exactly if the claims do.
 * @param claimers with the same labels; a runner in a server asks alone
 * @param make makes something of each claim, in their order; throws ClaimFault for one of which nothing can be made
 * @returns a reply for each claimer, in their order; at once when nothing is eligible, never waits
 * @throws ClaimFault from `make`, and for whatever else it throws of a single claim; all claims are rolled back
 */
export function claimRuns<C extends Claimer, T>(
  database: Database,
  pool: PoolId,
  claimers: readonly C[],
  make: Make<C, T>,
): Promise<ClaimReply<T>[]> {
  return database.repeatedTransaction(async (tx) => {
    const open = await lockPool(tx, database, pool);
    if (open === undefined) return claimers.map(() => ({ kind: "none" }));
    const standings = await standingsOf(tx, database, claimers);
    const admitted = claimers.filter((_, at) => standings[at] === "admitted");
    const claims = await take(tx, database, open, admitted);
    const made = claims.length === 0 ? [] : await makeOf(tx, claims, make);
    if (claims.length > 0) await store(tx, claims, made);
    return claimers.map((claimer, at) => {
      const standing = standings[at] ?? "barred";
      if (standing !== "admitted") return { kind: standing };
      const got = claims.findIndex(({ by }) => by === claimer);
      return got < 0 ? { kind: "none" } : { kind: "claimed", value: (made[got] as Made<T>).value };
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
  const labels = [...pool.labels, ...(first.host?.labels ?? [])];
  const found = await nextInLine(tx, database, pool, labels, claimers.length);
  return found.map(({ row, nowMs }, at) => {
    const by = claimers[at] as C;
    try {
      return { by, run: parseRun(startedRow(row, nowMs, by)) };
    } catch (cause) {
      throw new ClaimFault(row.id, row.attempt + 1, cause);
    }
  });
}

/** The row of a claimed run as `store` leaves it. */
function startedRow(row: RunRow, nowMs: number, { runner, isolation }: Claimer) {
  return {
    ...row,
    status: "running",
    phase: "claimed",
    attempt: row.attempt + 1,
    runner_id: runner,
    isolation,
    lease_expires_at_ms: nowMs + LEASE_MS,
    started_at_ms: row.started_at_ms ?? nowMs,
    pushed_oid: null,
    not_before_ms: null,
    refusal: null,
  };
}

async function makeOf<C extends Claimer, T>(
  tx: Queries,
  claims: readonly Claim<C>[],
  make: Make<C, T>,
): Promise<readonly Made<T>[]> {
  try {
    return await make(tx, claims);
  } catch (cause) {
    const [only, ...others] = claims;
    if (cause instanceof ClaimFault || only === undefined || others.length > 0) throw cause;
    // A database that fails for a moment is no fault of the run.
    if (cause instanceof AppError && cause.code === "unavailable") throw cause;
    throw new ClaimFault(only.run.id, only.run.attempt, cause);
  }
}

/** All that a claim changes in a run at once: each change of a row is written to some ten indexes. */
async function store(
  tx: Queries,
  claims: readonly Claim<Claimer>[],
  made: readonly Made<unknown>[],
): Promise<void> {
  const text = (value: string | null | undefined) => sql`cast(${value ?? null} as text)`;
  const rows = claims.map(
    ({ run, by: { runner, isolation, host } }, at) => sql`(
      cast(${run.id} as integer), cast(${run.attempt} as integer), cast(${runner} as integer),
      ${text(host?.boot)}, ${text(host?.key)}, ${text(isolation)},
      cast(${run.lease_expires_at_ms} as bigint), cast(${run.started_at_ms} as bigint), ${text(made[at]?.prompt)}
    )`,
  );
  await sql`
    with claims(run_id, attempt, runner_id, boot, key, isolation, lease, started, prompt) as (
      values ${sql.join(rows)}
    )
    update runs set
      status = 'running', phase = 'claimed', attempt = claims.attempt,
      runner_id = claims.runner_id, runner_boot = claims.boot, claim_key = claims.key,
      isolation = claims.isolation, prompt = coalesce(claims.prompt, runs.prompt),
      lease_expires_at_ms = claims.lease, started_at_ms = claims.started,
      pushed_oid = null, not_before_ms = null, refusal = null
    from claims where runs.id = claims.run_id`.execute(tx);
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
  const row = await database.leases
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
    .where("status", "=", sql.lit("queued"))
    .executeTakeFirstOrThrow();
  return { depth, ahead };
}
