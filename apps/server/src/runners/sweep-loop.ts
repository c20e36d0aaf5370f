import { systemClock } from "@windshift/base/clock.ts";
import { LEASE_MS, SWEEP_INTERVAL_MS } from "@windshift/contract/limits.ts";
import type { Database } from "../db/database.ts";
import type { Log } from "../http/log.ts";
import type { RunDefaults } from "../runs/run-create.ts";
import { sweepLapsedLeases } from "../runs/run-sweep.ts";

/**
 * Looks for lapsed leases until `signal` aborts. Not before one lease has passed since the start: while the server was
 * down nobody could renew, so runners get the chance first.
 */
export async function runSweepLoop(
  database: Database,
  defaults: RunDefaults,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  await systemClock.sleep(LEASE_MS, signal);
  while (!signal.aborted) {
    try {
      for (const { cause, ...lost } of await sweepLapsedLeases(database, defaults)) {
        log.warn(cause === undefined ? lost : { ...lost, err: cause }, "a lease lapsed");
      }
    } catch (error) {
      log.error({ err: error }, "sweep: the database did not answer");
    }
    await systemClock.sleep(SWEEP_INTERVAL_MS, signal);
  }
}
