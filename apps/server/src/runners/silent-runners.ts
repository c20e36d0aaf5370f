import { recordAll } from "../audit/audit-store.ts";
import { type Database, dbNowMs } from "../db/database.ts";

/**
 * A host that was not heard of for this long and holds nothing is deleted, ms: hosts that are started for one run and thrown away would
 * else stay for good. Two weeks, as GitHub does it: one that is off over the holidays comes back.
 */
export const SILENT_RUNNER_MS_MAX = 14 * 86_400_000;

/**
 * Deletes hosts that are silent for SILENT_RUNNER_MS_MAX and have no run, with a line each in the audit log. One that comes back after
 * all is refused, as if it was never registered. The runner in a server stays: its row is one and comes back with it.
 * @returns how many; of several servers each deletes others
 */
export function removeSilentRunners(database: Database): Promise<number> {
  return database.transaction(async (tx) => {
    const gone = await tx
      .deleteFrom("runners")
      .where("kind", "=", "host")
      .where((eb) => eb("last_seen_at_ms", "<", eb(dbNowMs(database.engine), "-", SILENT_RUNNER_MS_MAX)))
      // One that has only just joined was not heard of at all yet.
      .where((eb) =>
        eb(
          eb.fn.coalesce("created_at_ms", eb.lit(0)),
          "<",
          eb(dbNowMs(database.engine), "-", SILENT_RUNNER_MS_MAX),
        ),
      )
      .where((eb) =>
        eb.not(
          eb.exists(eb.selectFrom("runs").select("runs.id").whereRef("runs.runner_id", "=", "runners.id")),
        ),
      )
      .returning(["id", "name", "pool_id"])
      .execute();
    for (let at = 0; at < gone.length; at += LINES_AT_ONCE)
      await recordAll(
        tx,
        gone.slice(at, at + LINES_AT_ONCE).map(({ id, name, pool_id: pool }) => ({
          workspaceId: null,
          actor: "system",
          action: "runner.deleted",
          subject: `runner ${id}`,
          data: { name, pool, reason: "silent" },
        })),
      );
    return gone.length;
  });
}

/** Lines of the audit log in one statement. */
const LINES_AT_ONCE = 500;
