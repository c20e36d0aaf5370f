import type { PoolId, RunnerId } from "@windshift/contract/ids.ts";
import { type Database, dbNowMs } from "../db/database.ts";

/**
 * Notes that a runner has started: the same `instance` keeps its row over restarts, `boot` is new each time.
 * What it held under an older boot is dead; see interruptHeldBy.
 */
export async function registerRunner(
  database: Database,
  runner: { pool: PoolId; name: string; kind: "local"; instance: string; boot: string; capacity?: number },
): Promise<RunnerId> {
  const { capacity = 1 } = runner;
  const seen = dbNowMs(database.engine);
  const { id } = await database.kysely
    .insertInto("runners")
    .values({
      pool_id: runner.pool,
      name: runner.name,
      kind: runner.kind,
      instance: runner.instance,
      boot: runner.boot,
      capacity,
      last_seen_at_ms: seen,
    })
    .onConflict((oc) =>
      oc.column("instance").doUpdateSet({
        pool_id: runner.pool,
        name: runner.name,
        boot: runner.boot,
        capacity,
        last_seen_at_ms: seen,
      }),
    )
    .returning("id")
    .executeTakeFirstOrThrow();
  return id as RunnerId;
}

/** Notes by the clock of the database that a runner is alive. A runner that is gone is no error. */
export async function touchRunner(database: Database, runner: RunnerId): Promise<void> {
  await database.kysely
    .updateTable("runners")
    .set({ last_seen_at_ms: dbNowMs(database.engine) })
    .where("id", "=", runner)
    .execute();
}

/** The runner is shutting down: from now it is not counted as alive. */
export async function retireRunner(database: Database, runner: RunnerId): Promise<void> {
  await database.kysely.updateTable("runners").set({ last_seen_at_ms: 0 }).where("id", "=", runner).execute();
}
