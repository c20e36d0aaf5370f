import { systemClock } from "@windshift/base/clock.ts";
import { expireHolds } from "../budgets/settle-store.ts";
import type { Database } from "../db/database.ts";
import type { Log } from "../http/log.ts";
import { resumeWhereRoom } from "./run-budget.ts";

/** Time between looks, ms: a hold outlives its process by a minute anyway, and a month begins once. */
const LOOK_MS = 5_000;

/**
 * Counts what dead processes had set aside as spent, and goes on with runs that wait although there is room, as when a month has
 * begun, until `signal` aborts.
 */
export async function runBudgetLoop(database: Database, log: Log, signal: AbortSignal): Promise<void> {
  let afterRun = 0;
  while (!signal.aborted) {
    try {
      const expired = await expireHolds(database);
      if (expired > 0)
        log.warn({ expired }, "budgets: amounts set aside by a server that is gone count as spent");
      afterRun = await resumeWhereRoom(database, afterRun);
    } catch (error) {
      log.error({ err: error }, "budgets: the database did not answer");
    }
    await systemClock.sleep(LOOK_MS, signal);
  }
}
