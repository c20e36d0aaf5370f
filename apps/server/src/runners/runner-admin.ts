import { AppError } from "@windshift/contract/app-error.ts";
import { sql } from "kysely";
import { type ActingPerson, record } from "../audit/audit-store.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import type { RunDefaults } from "../runs/run-create.ts";
import { interruptRevoked } from "../runs/run-sweep.ts";

/**
 * Withdraws a runner's credential for good. It is refused from its next request on, and what it holds is queued again: the
 * tokens of those attempts die with them. Safe to repeat. @throws AppError `not_found`
 */
export async function revokeRunner(
  database: Database,
  defaults: RunDefaults,
  id: number,
  by: ActingPerson,
): Promise<void> {
  await database.transaction(async (tx) => {
    await requireHost(tx, id);
    const row = await tx
      .updateTable("runners")
      .set({ revoked_at_ms: dbNowMs(database.engine) })
      .where("id", "=", id)
      .where("revoked_at_ms", "is", null)
      .returning("id")
      .executeTakeFirst();
    await tx.deleteFrom("runner_credentials").where("runner_id", "=", id).execute();
    // Should this server end before it has ended the attempts, the next sweep does.
    await tx
      .updateTable("runs")
      .set((eb) => ({ lease_expires_at_ms: eb(dbNowMs(database.engine), "-", 1) }))
      .where("runner_id", "=", id)
      .where("status", "=", sql.lit("running"))
      .where("lease_expires_at_ms", "is not", null)
      .execute();
    if (row !== undefined) await tell(tx, by, "runner.revoked", id);
  });
  await database.signals.notify(`runner:${id}`);
  await interruptRevoked(database, defaults, id);
}

/**
 * Deletes a runner that is gone for good: one that was revoked, or that was not heard of for a day. Its ended runs stay.
 * @throws AppError `not_found`; `conflict` for one that is still in use
 */
export async function deleteRunner(database: Database, id: number, by: ActingPerson): Promise<void> {
  await database.transaction(async (tx) => {
    await requireHost(tx, id);
    const gone = await tx
      .selectFrom("runners")
      .select("id")
      .where("id", "=", id)
      .where((eb) =>
        eb.or([
          eb("revoked_at_ms", "is not", null),
          eb("last_seen_at_ms", "<", eb(dbNowMs(database.engine), "-", SILENT_MS_LEAST)),
        ]),
      )
      .executeTakeFirst();
    const holds = await tx.selectFrom("runs").select("id").where("runner_id", "=", id).executeTakeFirst();
    if (gone === undefined || holds !== undefined)
      throw new AppError(
        "conflict",
        "this runner is in use; revoke it first, and delete it when its runs have ended",
      );
    await tx.deleteFrom("runners").where("id", "=", id).execute();
    await tell(tx, by, "runner.deleted", id);
  });
}

/** How long a runner that was not revoked has to be silent before it may be deleted, ms: a host that is down for a night comes back. */
const SILENT_MS_LEAST = 86_400_000;

/** Asks a runner to take no more, or to go on. It hears of it with its next heartbeat; claims stop at once. @throws AppError `not_found` */
export async function askToDrain(
  database: Database,
  id: number,
  drain: boolean,
  by: ActingPerson,
): Promise<void> {
  await database.transaction(async (tx) => {
    await requireHost(tx, id);
    await tx
      .updateTable("runners")
      .set({ drain_asked: drain ? 1 : 0 })
      .where("id", "=", id)
      .execute();
    await tell(tx, by, drain ? "runner.drain_asked" : "runner.drain_ended", id);
  });
  await database.signals.notify("queue");
}

/** An administrator has seen to it. @throws AppError `not_found` */
export async function clearAlert(database: Database, id: number, by: ActingPerson): Promise<void> {
  await database.transaction(async (tx) => {
    await requireHost(tx, id);
    await tx.updateTable("runners").set({ alert: null }).where("id", "=", id).execute();
    await tell(tx, by, "runner.alert_cleared", id);
  });
}

/** The runner in a server is that server's own. */
async function requireHost(tx: Queries, id: number): Promise<void> {
  const row = await tx.selectFrom("runners").select("kind").where("id", "=", id).executeTakeFirst();
  if (row?.kind !== "host") throw new AppError("not_found", "not found");
}

function tell(tx: Queries, by: ActingPerson, action: string, id: number): Promise<void> {
  const data = { ip: by.ip ?? "unknown" };
  return record(tx, { workspaceId: null, actor: by, action, subject: `runner ${id}`, data });
}
