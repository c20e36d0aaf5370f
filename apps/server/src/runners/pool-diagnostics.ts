import type { PoolDiagnostics, Runner, RunnerState } from "@windshift/contract/api/pool.ts";
import { RunnerId } from "@windshift/contract/ids.ts";
import { LEASE_MS } from "@windshift/contract/limits.ts";
import { sql } from "kysely";
import { type Database, dbNowMs } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { isoTime } from "../http/json.ts";
import { listPools } from "../pools/pool-store.ts";

/** Every pool as it is now: who is there, what waits, and what for. By name. */
export async function readDiagnostics(database: Database): Promise<PoolDiagnostics[]> {
  const db = database.kysely;
  const { now } = await db.selectNoFrom(dbNowMs(database.engine).as("now")).executeTakeFirstOrThrow();
  const pools = await listPools(db);
  const runners = await db.selectFrom("runners").selectAll().orderBy("name").orderBy("id").execute();
  const held = await readHeld(database);
  const queued = await readQueued(database);
  return pools.map((pool) => {
    const own = runners
      .filter(({ pool_id }) => pool_id === pool.id)
      .map((row) =>
        toRunner(row, pool.name, held.find(({ runner_id }) => runner_id === row.id)?.held ?? 0, now),
      );
    const waiting = queued.filter(({ pool_id }) => pool_id === pool.id);
    const count = (state: RunnerState) => own.filter((runner) => runner.state === state).length;
    const live = own.filter(({ state }) => state === "live");
    const oldest = Math.min(...waiting.map(({ oldest_ms }) => oldest_ms));
    return {
      pool: pool.name,
      max_running: pool.max_running,
      live: count("live"),
      stale: count("stale"),
      draining: count("draining"),
      revoked: count("revoked"),
      free: live.reduce((sum, runner) => sum + Math.max(0, runner.capacity - runner.held), 0),
      running: held.filter(({ pool_id }) => pool_id === pool.id).reduce((sum, row) => sum + row.held, 0),
      queued: waiting.reduce((sum, row) => sum + row.queued, 0),
      oldest_queued_at: Number.isFinite(oldest) ? isoTime(oldest) : null,
      queued_by_labels: waiting
        .map(({ labels, queued: count }) => ({ labels: JSON.parse(labels) as string[], queued: count }))
        .sort((a, b) => a.labels.length - b.labels.length || a.labels.join().localeCompare(b.labels.join())),
      runners: own,
    };
  });
}

function readHeld(database: Database) {
  return database.kysely
    .selectFrom("runs")
    .select((eb) => ["pool_id", "runner_id", eb.fn.countAll<number>().as("held")])
    .where("status", "=", sql.lit("running"))
    .where("lease_expires_at_ms", "is not", null)
    .groupBy(["pool_id", "runner_id"])
    .execute();
}

function readQueued(database: Database) {
  return database.kysely
    .selectFrom("runs")
    .select((eb) => [
      "pool_id",
      "labels",
      eb.fn.countAll<number>().as("queued"),
      eb.fn.min("created_at_ms").as("oldest_ms"),
    ])
    .where("status", "=", sql.lit("queued"))
    .groupBy(["pool_id", "labels"])
    .execute();
}

function toRunner(row: Row<"runners">, pool: string, held: number, now: number): Runner {
  return {
    id: RunnerId.parse(row.id),
    pool,
    name: row.name,
    kind: row.kind === "local" ? "local" : "host",
    state: stateOf(row, now),
    version: row.version,
    labels: JSON.parse(row.labels),
    capacity: row.capacity,
    held,
    last_seen_at: row.last_seen_at_ms === 0 ? null : isoTime(row.last_seen_at_ms),
    alert: row.alert,
  };
}

function stateOf(row: Row<"runners">, now: number): RunnerState {
  if (row.revoked_at_ms !== null) return "revoked";
  if (row.last_seen_at_ms <= now - LEASE_MS) return "stale";
  return row.draining === 1 || row.drain_asked === 1 ? "draining" : "live";
}
