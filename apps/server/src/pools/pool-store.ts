import type { Pool } from "@windshift/contract/api/pool.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { PoolId } from "@windshift/contract/ids.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { isoTime } from "../http/json.ts";

/** The pool of runners in the server's own process, and of bindings that name no other. */
export const LOCAL_POOL = "local";
/** Runs the local pool may have in progress at once, over all servers; a server's own share is CODING_AGENT_WORKERS. */
const LOCAL_POOL_MAX_RUNNING = 100;

/** Makes the local pool unless it exists. */
export async function ensureLocalPool(database: Database): Promise<PoolId> {
  await database.kysely
    .insertInto("pools")
    .values({
      name: LOCAL_POOL,
      max_running: LOCAL_POOL_MAX_RUNNING,
      created_at_ms: dbNowMs(database.engine),
    })
    .onConflict((oc) => oc.column("name").doNothing())
    .execute();
  return getLocalPoolId(database.kysely);
}

/** The pool of the server's own runner, which every start makes sure of. @throws AppError `internal` when it is missing */
export async function getLocalPoolId(db: Queries): Promise<PoolId> {
  const row = await db.selectFrom("pools").select("id").where("name", "=", LOCAL_POOL).executeTakeFirst();
  if (row === undefined) throw new AppError("internal", "the local pool is missing");
  return row.id as PoolId;
}

/** Caps how many runs of the pool may be in progress at once. */
export async function setPoolCap(db: Queries, pool: number, maxRunning: number): Promise<void> {
  await db.updateTable("pools").set({ max_running: maxRunning }).where("id", "=", pool).execute();
}

/** By name. */
export async function listPools(db: Queries): Promise<Pool[]> {
  const rows = await db.selectFrom("pools").selectAll().orderBy("name").execute();
  const open = await db
    .selectFrom("pool_workspaces")
    .innerJoin("workspaces", "workspaces.id", "pool_workspaces.workspace_id")
    .select(["pool_workspaces.pool_id", "workspaces.key"])
    .orderBy("workspaces.key")
    .execute();
  return rows.map((row) =>
    toPool(
      row,
      open.filter(({ pool_id }) => pool_id === row.id).map(({ key }) => key),
    ),
  );
}

/** @throws AppError `not_found` */
export async function getPool(db: Queries, id: number): Promise<Pool> {
  const pool = (await listPools(db)).find((one) => one.id === id);
  if (pool === undefined) throw new AppError("not_found", "not found");
  return pool;
}

function toPool(row: Row<"pools">, workspaces: string[]): Pool {
  return {
    id: PoolId.parse(row.id),
    name: row.name,
    max_running: row.max_running,
    labels: JSON.parse(row.labels),
    workspaces,
    created_at: isoTime(row.created_at_ms),
  };
}

/** Lets only these workspaces use the pool; none means all. @throws AppError `invalid_input` naming a workspace that is not there */
export async function setPoolWorkspaces(tx: Queries, pool: number, keys: readonly string[]): Promise<void> {
  const found =
    keys.length === 0
      ? []
      : await tx.selectFrom("workspaces").select(["id", "key"]).where("key", "in", keys).execute();
  const unknown = keys.find((key) => !found.some((row) => row.key === key));
  if (unknown !== undefined) {
    const message = `there is no workspace ${unknown}`;
    throw new AppError("invalid_input", `workspaces: ${message}`, {
      details: [{ path: "workspaces", message }],
    });
  }
  await tx.deleteFrom("pool_workspaces").where("pool_id", "=", pool).execute();
  if (found.length === 0) return;
  await tx
    .insertInto("pool_workspaces")
    .values(found.map(({ id }) => ({ pool_id: pool, workspace_id: id })))
    .execute();
}

/** Whether runs of a workspace may go to the pool. */
export async function isPoolOpenTo(db: Queries, pool: number, workspace: number): Promise<boolean> {
  const rows = await db
    .selectFrom("pool_workspaces")
    .select("workspace_id")
    .where("pool_id", "=", pool)
    .execute();
  return rows.length === 0 || rows.some(({ workspace_id }) => workspace_id === workspace);
}
