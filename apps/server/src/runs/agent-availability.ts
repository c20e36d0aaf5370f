import type { AgentAvailability } from "@windshift/contract/api/agent.ts";
import { LEASE_MS } from "@windshift/contract/limits.ts";
import { sql } from "kysely";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";

/** A pool with the runners that are alive in it now. */
export interface PoolState {
  name: string;
  maxRunning: number;
  labels: readonly string[];
  /** Workspaces it is open to; none means all. */
  workspaces: readonly number[];
  runners: readonly { labels: readonly string[]; capacity: number; held: number; draining: boolean }[];
  /** Runs in progress, and runs that wait. */
  held: number;
  queued: number;
}

export interface Availability {
  availability: AgentAvailability;
  availability_text: string;
  places: number;
  places_taken: number;
  queued: number;
}

/** Whether a run that asks for these labels would start now. */
export function availabilityIn(
  pool: PoolState,
  labels: readonly string[],
  workspaceId: number,
): Availability {
  const able = pool.runners.filter((runner) =>
    labels.every((label) => pool.labels.includes(label) || runner.labels.includes(label)),
  );
  const open = able.filter(({ draining }) => !draining);
  const offline = (availability_text: string): Availability => ({
    availability: "offline",
    availability_text,
    places: 0,
    places_taken: 0,
    queued: pool.queued,
  });
  if (pool.workspaces.length > 0 && !pool.workspaces.includes(workspaceId))
    return offline(`Pool "${pool.name}" is not open to this workspace; an administrator can open it.`);
  if (pool.runners.length === 0)
    return offline(
      pool.name === "local"
        ? "No runner is alive. CODING_AGENT_RUNNER_IMAGE on the server lets it run agents itself; `windshift doctor` says what is missing."
        : `No runner of pool "${pool.name}" is alive. Start windshift-runner on one of its hosts.`,
    );
  if (able.length === 0)
    return offline(`No live runner of pool "${pool.name}" has all of the labels ${labels.join(", ")}.`);
  if (open.length === 0)
    return offline(
      `Every runner of pool "${pool.name}" that could take it is draining; it starts when one takes work again.`,
    );
  const sum = (of: (runner: PoolState["runners"][number]) => number) =>
    open.reduce((total, one) => total + of(one), 0);
  const places = Math.min(
    pool.maxRunning,
    sum(({ capacity }) => capacity),
  );
  // The cap of a pool is taken by its other runners as well.
  const free = Math.min(
    pool.maxRunning - pool.held,
    sum(({ capacity, held }) => Math.max(0, capacity - held)),
  );
  const taken = { places, places_taken: Math.max(0, places - Math.max(0, free)), queued: pool.queued };
  if (free > 0)
    return {
      availability: "available",
      availability_text: `${free} of ${places} ${places === 1 ? "place" : "places"} in pool "${pool.name}" ${free === 1 ? "is" : "are"} free.`,
      ...taken,
    };
  const waiting =
    pool.queued === 0 ? "" : ` ${pool.queued} ${pool.queued === 1 ? "run waits" : "runs wait"} before it.`;
  return {
    availability: "busy",
    availability_text: `${places === 1 ? "The one place" : `All ${places} places`} in pool "${pool.name}" ${places === 1 ? "is" : "are"} taken.${waiting} A run starts when one has ended.`,
    ...taken,
  };
}

/** The pools with these ids, with as many statements as for one. */
export async function readPoolStates(
  database: Database,
  ids: readonly number[],
): Promise<Map<number, PoolState>> {
  if (ids.length === 0) return new Map();
  const db = database.kysely;
  const pools = await db.selectFrom("pools").selectAll().where("id", "in", ids).execute();
  const open = await db.selectFrom("pool_workspaces").selectAll().where("pool_id", "in", ids).execute();
  const live = await db
    .selectFrom("runners")
    .select(["id", "pool_id", "labels", "capacity", "draining", "drain_asked"])
    .where("pool_id", "in", ids)
    .where("revoked_at_ms", "is", null)
    .where((eb) => eb("last_seen_at_ms", ">", eb(dbNowMs(database.engine), "-", LEASE_MS)))
    .execute();
  const held = await countRuns(db, ids, "running");
  const queued = await countRuns(db, ids, "queued");
  return new Map(
    pools.map((pool) => [
      pool.id,
      {
        name: pool.name,
        maxRunning: pool.max_running,
        labels: JSON.parse(pool.labels),
        workspaces: open.filter(({ pool_id }) => pool_id === pool.id).map(({ workspace_id }) => workspace_id),
        runners: live
          .filter(({ pool_id }) => pool_id === pool.id)
          .map((runner) => ({
            labels: JSON.parse(runner.labels),
            capacity: runner.capacity,
            held: sumOf(held.filter(({ runner_id }) => runner_id === runner.id)),
            draining: runner.draining === 1 || runner.drain_asked === 1,
          })),
        held: sumOf(held.filter(({ pool_id }) => pool_id === pool.id)),
        queued: sumOf(queued.filter(({ pool_id }) => pool_id === pool.id)),
      },
    ]),
  );
}

/** Runs of the pools by runner: those in progress that a runner holds, or those that wait. */
function countRuns(db: Queries, pools: readonly number[], status: "running" | "queued") {
  let query = db
    .selectFrom("runs")
    .select((eb) => ["pool_id", "runner_id", eb.fn.countAll<number>().as("count")])
    .where("pool_id", "in", pools)
    .where("status", "=", sql.lit(status))
    .groupBy(["pool_id", "runner_id"]);
  if (status === "running") query = query.where("lease_expires_at_ms", "is not", null);
  return query.execute();
}

function sumOf(rows: readonly { count: number }[]): number {
  return rows.reduce((total, { count }) => total + count, 0);
}
