import { backoffMs } from "@windshift/base/backoff.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { WhoamiReply } from "@windshift/contract/runner.ts";
import type { JobLog } from "@windshift/execution/job-log.ts";
import {
  deliverLeftovers,
  type LeftoverCount,
  type LeftoverOptions,
} from "@windshift/execution/leftovers.ts";
import type { ServerClient } from "./server-client.ts";

/** Time for one round, ms: a server that is slow must not keep this start from its work for ever. */
const PAST_ROUND_MS_MAX = 60_000;
/** Waits between looks whether a server that is away is back, ms: work begins as soon after as a claim would be tried again. */
const PAST_AWAY_MS_FIRST = 500;
const PAST_AWAY_MS_MAX = 15_000;

export interface PastOptions {
  leftovers: LeftoverOptions;
  client: Pick<ServerClient, "get">;
  log: JobLog;
  /** Told after each round. */
  onRound(): void;
}

/** One round over what an earlier start left. @returns what became of it; what is kept is tried again */
export async function deliverPast({ leftovers, log, onRound }: PastOptions): Promise<LeftoverCount> {
  const count = await deliverLeftovers(leftovers, AbortSignal.timeout(PAST_ROUND_MS_MAX));
  onRound();
  if (count.delivered + count.lost + count.kept > 0) log.info("what an earlier start left", { ...count });
  return count;
}

/**
 * Delivers it before this start speaks for itself, as the server takes nothing of an older start from then on and a result that was kept
 * over an outage of both would be thrown away: a server that is away has no work either, and is waited for, as often as it goes away again.
 * Whoever answers and takes none of it in a whole round is not waited for; it is tried again beside the work.
 */
export async function deliverPastLater(options: PastOptions, drain: AbortSignal): Promise<void> {
  const { leftovers, client, log } = options;
  let isTold = false;
  for (let tries = 1; !drain.aborted; tries++) {
    let absence = await findAbsence(client);
    if (absence === undefined) {
      const { delivered, lost, kept } = await deliverPast(options);
      if (kept === 0) return;
      if (delivered + lost > 0) continue;
      absence = await findAbsence(client);
      if (absence === undefined) return;
    }
    if (!isTold)
      log.warn("the server is away; it is waited for, to be given first what an earlier start left", {
        error: absence,
      });
    isTold = true;
    options.onRound();
    await leftovers.clock.sleep(backoffMs(tries, PAST_AWAY_MS_FIRST, PAST_AWAY_MS_MAX), drain);
  }
}

/** Why nobody can be asked now; undefined when somebody answers. Asks what needs the database, and changes nothing. */
async function findAbsence(client: PastOptions["client"]): Promise<AppError | undefined> {
  try {
    await client.get("/runner/whoami", WhoamiReply);
    return undefined;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error.code === "unavailable" || error.code === "timed_out" ? error : undefined;
  }
}
