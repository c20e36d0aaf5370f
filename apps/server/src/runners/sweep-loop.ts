import { systemClock } from "@windshift/base/clock.ts";
import { SWEEP_INTERVAL_MS } from "@windshift/contract/limits.ts";
import { sql } from "kysely";
import type { Database } from "../db/database.ts";
import type { Log } from "../http/log.ts";
import type { RunDefaults } from "../runs/run-create.ts";
import { sweepLapsedLeases } from "../runs/run-sweep.ts";
import { GraceTime, SILENT_MS } from "./grace-time.ts";
import { removeSilentRunners } from "./silent-runners.ts";

/** Wait between looks for hosts that are silent for weeks, ms. */
const TIDY_INTERVAL_MS = 3_600_000;

/**
 * Looks for lapsed leases until `signal` aborts. Not before runners had the time to renew theirs since the start, and since a time in
 * which the database did not answer or this process stood still, as nobody could renew then (F10, F13, F21).
 */
export async function runSweepLoop(
  database: Database,
  defaults: RunDefaults,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  await waitForCalm(database, signal);
  let lookedAtMs = performance.now();
  let tidiedAtMs = -TIDY_INTERVAL_MS;
  while (!signal.aborted) {
    const silentMs = Math.round(performance.now() - lookedAtMs);
    if (silentMs > SILENT_MS) {
      log.warn({ silentMs }, "no lease could be renewed for a while; runners get time first");
      await waitForCalm(database, signal);
      lookedAtMs = performance.now();
    }
    try {
      for (const { cause, ...lost } of await sweepLapsedLeases(database, defaults)) {
        log.warn(cause === undefined ? lost : { ...lost, err: cause }, "a lease lapsed");
      }
      lookedAtMs = performance.now();
      if (lookedAtMs - tidiedAtMs >= TIDY_INTERVAL_MS) {
        tidiedAtMs = lookedAtMs;
        const removed = await removeSilentRunners(database);
        if (removed > 0) log.info({ removed }, "runners that were silent for weeks were deleted");
      }
    } catch (error) {
      log.error({ err: error }, "sweep: the database did not answer");
    }
    await systemClock.sleep(SWEEP_INTERVAL_MS, signal);
  }
}

/** Until runners had the time to renew their leases. */
async function waitForCalm(database: Database, signal: AbortSignal): Promise<void> {
  const grace = new GraceTime(performance.now());
  while (!signal.aborted && !grace.isOver) {
    await systemClock.sleep(SWEEP_INTERVAL_MS, signal);
    const isAnswered = await answers(database);
    grace.look(performance.now(), isAnswered);
  }
}

async function answers(database: Database): Promise<boolean> {
  return sql`select 1`.execute(database.leases).then(
    () => true,
    () => false,
  );
}
