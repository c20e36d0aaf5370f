import type { Database, Queries } from "../db/database.ts";
import { parseRun, RUN_COLUMNS, type Run } from "./run.ts";

/**
 * Locks the run and gives it back only while `attempt` is the live one: running and held by a runner. Every write of a
 * runner or an agent starts here, so a write of an older attempt, of an ended run or of a zombie changes nothing.
 */
export async function lockLiveAttempt(
  database: Database,
  tx: Queries,
  run: number,
  attempt: number,
): Promise<Run | undefined> {
  const found = await lockRun(database, tx, run);
  const live =
    found !== undefined &&
    found.attempt === attempt &&
    found.status === "running" &&
    found.lease_expires_at_ms !== null;
  return live ? found : undefined;
}

/** Locks the run against changes by others until the transaction ends. SQLite has one writer at a time anyway. */
export async function lockRun(database: Database, tx: Queries, run: number): Promise<Run | undefined> {
  let query = tx.selectFrom("runs").select(RUN_COLUMNS).where("id", "=", run);
  if (database.engine === "postgres") query = query.forNoKeyUpdate();
  const row = await query.executeTakeFirst();
  return row === undefined ? undefined : parseRun(row);
}
