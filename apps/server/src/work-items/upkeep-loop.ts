import { systemClock } from "@windshift/base/clock.ts";
import { turn } from "@windshift/base/turn.ts";
import type { Database } from "../db/database.ts";
import { createMissingIndexes } from "../db/missing-indexes.ts";
import type { Log } from "../http/log.ts";
import { fillItemSearch } from "./search-fill.ts";

/** Wait between looks for what servers of another version have written, ms: they live beside this one for minutes, at an update. */
const LOOK_MS = 10_000;

/** Does what an update of the database left to do beside the work, until `signal` aborts. Any number of servers may do so. */
export async function runUpkeepLoop(database: Database, log: Log, signal: AbortSignal): Promise<void> {
  let hasIndexes = false;
  while (!signal.aborted) {
    try {
      while (!signal.aborted && (await fillItemSearch(database))) await turn();
      if (!hasIndexes) hasIndexes = await createMissingIndexes(database, (line) => log.info({}, line));
    } catch (error) {
      log.error({ err: error }, "upkeep: the database did not answer");
    }
    await systemClock.sleep(LOOK_MS, signal);
  }
}
