import type { NewPool, PoolPatch } from "@windshift/contract/api/pool.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { type ActingPerson, record } from "../audit/audit-store.ts";
import { type Database, dbNowMs } from "../db/database.ts";
import { getPool, LOCAL_POOL, setPoolWorkspaces } from "./pool-store.ts";

/** @returns its id @throws AppError `conflict` for a name that is taken, `invalid_input` */
export async function createPool(database: Database, wanted: NewPool, by: ActingPerson): Promise<number> {
  return database.transaction(async (tx) => {
    const made = await tx
      .insertInto("pools")
      .values({
        name: wanted.name,
        max_running: wanted.max_running,
        labels: JSON.stringify(wanted.labels),
        created_at_ms: dbNowMs(database.engine),
      })
      .onConflict((oc) => oc.column("name").doNothing())
      .returning("id")
      .executeTakeFirst();
    if (made === undefined)
      throw new AppError("conflict", `there is a pool ${wanted.name} already; choose another name`);
    await setPoolWorkspaces(tx, made.id, wanted.workspaces);
    const data = { name: wanted.name, ip: by.ip ?? "unknown" };
    await record(tx, {
      workspaceId: null,
      actor: by,
      action: "pool.created",
      subject: `pool ${made.id}`,
      data,
    });
    return made.id;
  });
}

/** Changes what the patch names; it holds from the next claim on. @throws AppError `not_found`, `invalid_input` */
export async function changePool(
  database: Database,
  id: number,
  patch: PoolPatch,
  by: ActingPerson,
): Promise<void> {
  const { max_running, labels, workspaces } = patch;
  await database.transaction(async (tx) => {
    await getPool(tx, id);
    if (max_running !== undefined)
      await tx.updateTable("pools").set({ max_running }).where("id", "=", id).execute();
    if (labels !== undefined)
      await tx
        .updateTable("pools")
        .set({ labels: JSON.stringify(labels) })
        .where("id", "=", id)
        .execute();
    if (workspaces !== undefined) await setPoolWorkspaces(tx, id, workspaces);
    const data = { changed: Object.keys(patch).join(", "), ip: by.ip ?? "unknown" };
    await record(tx, {
      workspaceId: null,
      actor: by,
      action: "pool.changed",
      subject: `pool ${id}`,
      data,
    });
  });
  await database.signals.notify("queue");
}

/**
 * Deletes a pool that nothing points at any more. @throws AppError `conflict` saying what does, `not_found`
 */
export async function deletePool(database: Database, id: number, by: ActingPerson): Promise<void> {
  await database.transaction(async (tx) => {
    const pool = await getPool(tx, id);
    if (pool.name === LOCAL_POOL) throw new AppError("conflict", "the server's own pool stays");
    for (const [table, what] of [
      ["bindings", "bindings point at it; give them another pool first"],
      ["runners", "runners belong to it; revoke and delete them first"],
      ["runs", "runs were made in it and keep its name; set its cap to 1 and revoke its runners instead"],
    ] as const) {
      const { count } = await tx
        .selectFrom(table)
        .select((eb) => eb.fn.countAll<number>().as("count"))
        .where("pool_id", "=", id)
        .executeTakeFirstOrThrow();
      if (count > 0) throw new AppError("conflict", `pool ${pool.name} cannot be deleted: ${count} ${what}`);
    }
    await tx.deleteFrom("pools").where("id", "=", id).execute();
    const data = { name: pool.name, ip: by.ip ?? "unknown" };
    await record(tx, {
      workspaceId: null,
      actor: by,
      action: "pool.deleted",
      subject: `pool ${id}`,
      data,
    });
  });
}
