import type { PoolId, RunId, RunnerId } from "@windshift/contract/ids.ts";
import { LEASE_MS } from "@windshift/contract/limits.ts";
import { sql } from "kysely";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { ClaimFault } from "./claim-fault.ts";
import { parseRun, type Run } from "./run.ts";

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

/**
 * Gives the oldest eligible run of a pool to one runner, in one transaction, so two callers never share a run and the caps of
 * the pool and of a host hold at every commit. Fair: the workspace with the fewest runs in progress goes first. A run that
 * asks for labels waits for a runner that has all of them, itself or by its pool.
 * `andThen` runs in the same transaction: what it writes exists exactly if the claim does.
 * @throws ClaimFault when `andThen` fails; the claim is rolled back
 * @returns undefined at once when nothing is eligible; never waits
 */
export function claimRun<T>(
  database: Database,
  pool: PoolId,
  runner: RunnerId,
  andThen: (tx: Queries, run: Run) => Promise<T>,
  host?: HostClaim,
): Promise<T | undefined> {
  return database.transaction(async (tx) => {
    const open = await lockPool(tx, database, pool);
    if (open === undefined || !(await hasRoom(tx, pool, open.maxRunning))) return undefined;
    if (host !== undefined) {
      // Revoking a runner and a new start of it wait for this claim, and then find its run; or this one finds what they did.
      if (database.engine === "postgres")
        await tx.selectFrom("runners").select("id").where("id", "=", runner).forShare().execute();
      if (!(await mayTake(tx, runner, host))) return undefined;
    }
    const labels = [...open.labels, ...(host?.labels ?? [])];
    const next = await nextInLine(tx, database, pool, labels);
    if (next === undefined) return undefined;
    const row = await tx
      .updateTable("runs")
      .set((eb) => ({
        status: "running",
        phase: "claimed",
        attempt: eb("attempt", "+", 1),
        runner_id: runner,
        runner_boot: host?.boot ?? null,
        claim_key: host?.key ?? null,
        lease_expires_at_ms: leaseEnd(database),
        started_at_ms: eb.fn.coalesce("started_at_ms", dbNowMs(database.engine)),
        pushed_oid: null,
        not_before_ms: null,
        refusal: null,
      }))
      .where("id", "=", next)
      .where("status", "=", "queued")
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) return undefined;
    try {
      return await andThen(tx, parseRun(row));
    } catch (cause) {
      throw new ClaimFault(row.id, row.attempt, cause);
    }
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
async function lockPool(
  tx: Queries,
  database: Database,
  pool: PoolId,
): Promise<{ maxRunning: number; labels: readonly string[] } | undefined> {
  let query = tx.selectFrom("pools").select(["max_running", "labels"]).where("id", "=", pool);
  if (database.engine === "postgres") query = query.forNoKeyUpdate();
  const found = await query.executeTakeFirst();
  return found && { maxRunning: found.max_running, labels: JSON.parse(found.labels) };
}

async function hasRoom(tx: Queries, pool: PoolId, maxRunning: number): Promise<boolean> {
  return (await countHeld(tx, pool)) < maxRunning;
}

/** Whether the host that asks is the one that is known, takes work and has a free place. */
export async function mayTake(tx: Queries, runner: RunnerId, host: HostClaim): Promise<boolean> {
  const row = await tx
    .selectFrom("runners")
    .select(["boot", "revoked_at_ms", "draining", "drain_asked"])
    .where("id", "=", runner)
    .executeTakeFirst();
  if (row === undefined || row.boot !== host.boot || row.revoked_at_ms !== null) return false;
  if (row.draining === 1 || row.drain_asked === 1) return false;
  const { held } = await tx
    .selectFrom("runs")
    .select((eb) => eb.fn.countAll<number>().as("held"))
    .where("runner_id", "=", runner)
    .where("status", "=", sql.lit("running"))
    .where("lease_expires_at_ms", "is not", null)
    .executeTakeFirstOrThrow();
  return held < host.capacity;
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

/**
 * The oldest run that may start, of the workspace with the fewest in progress. Goes from one workspace with queued runs to the
 * next along an index and looks at the head of each, so that its cost does not grow with the queue. Values are written
 * into the statement where an index holds for them only: a database cannot tell that of a parameter; and `order by … limit 1`
 * stands for `min`, which PostgreSQL looks up in the index only if its statistics are fresh.
 */
async function nextInLine(
  tx: Queries,
  database: Database,
  pool: PoolId,
  labels: readonly string[],
): Promise<RunId | undefined> {
  const mine = sql`pool_id = ${pool} and status = 'queued'`;
  const unmet =
    labels.length === 0
      ? sql`true`
      : sql`run_labels.label not in (${sql.join(labels.map((one) => sql`${one}`))})`;
  const { rows } = await sql<{ id: number }>`
    with recursive waiting(workspace_id) as (
      select (select workspace_id from runs where ${mine} order by workspace_id limit 1)
      union all
      select (
        select workspace_id from runs where ${mine} and workspace_id > waiting.workspace_id
        order by workspace_id limit 1
      ) from waiting where waiting.workspace_id is not null
    ),
    heads as materialized (
      select workspace_id, (
        select id from runs
        where ${mine} and runs.workspace_id = waiting.workspace_id
          and (not_before_ms is null or not_before_ms <= ${dbNowMs(database.engine)})
          and not exists (select 1 from run_labels where run_labels.run_id = runs.id and ${unmet})
        order by id limit 1
      ) as id
      from waiting where workspace_id is not null and (
        not exists (select 1 from pool_workspaces where pool_id = ${pool})
        or exists (
          select 1 from pool_workspaces
          where pool_id = ${pool} and pool_workspaces.workspace_id = waiting.workspace_id
        )
      )
    ),
    busy as (
      select workspace_id, count(*) as held from runs
      where pool_id = ${pool} and status = 'running' and lease_expires_at_ms is not null
      group by workspace_id
    )
    select heads.id from heads left join busy on busy.workspace_id = heads.workspace_id
    where heads.id is not null
    order by coalesce(busy.held, 0), heads.id
    limit 1`.execute(tx);
  return rows[0]?.id as RunId | undefined;
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
