import { AppError } from "@windshift/contract/app-error.ts";
import type { PoolId } from "@windshift/contract/ids.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";

/** The pool of runners in the server's own process, and of bindings that name no other. */
const LOCAL_POOL = "local";
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

export async function getLocalPoolId(db: Queries): Promise<PoolId> {
  const row = await db.selectFrom("pools").select("id").where("name", "=", LOCAL_POOL).executeTakeFirst();
  if (row === undefined) throw new AppError("internal", "the local pool is missing");
  return row.id as PoolId;
}

/** Caps how many runs of the pool may be in progress at once. */
export async function setPoolCap(db: Queries, pool: number, maxRunning: number): Promise<void> {
  await db.updateTable("pools").set({ max_running: maxRunning }).where("id", "=", pool).execute();
}
