import { backoffMs } from "@windshift/base/backoff.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { WhoamiReply } from "@windshift/contract/runner.ts";
import type { JobLog } from "@windshift/execution/job-log.ts";
import { deliverLeftovers, type LeftoverOptions } from "@windshift/execution/leftovers.ts";
import type { ServerClient } from "./server-client.ts";

/** Time for one round, ms: a server that is slow must not keep this start from its work for ever. */
const ROUND_MS_MAX = 60_000;
/** Waits between looks whether a server that is away is back, ms: work begins as soon after as a claim would be tried again. */
const AWAY_MS_FIRST = 500;
const AWAY_MS_MAX = 15_000;

export interface PastOptions {
  leftovers: LeftoverOptions;
  client: Pick<ServerClient, "get">;
  log: JobLog;
  /** Told after each round. */
  onRound(): void;
}

/** One round over what an earlier start left. @returns whether nothing is left */
export async function deliverPast({ leftovers, log, onRound }: PastOptions): Promise<boolean> {
  const count = await deliverLeftovers(leftovers, AbortSignal.timeout(ROUND_MS_MAX));
  onRound();
  if (count.delivered + count.lost + count.kept > 0) log.info("what an earlier start left", { ...count });
  return count.kept === 0;
}

/**
 * Delivers it before this start speaks for itself, as the server takes nothing of an older start from then on and a result that was kept
 * over an outage of both would be thrown away: a server that is away has no work either, and is waited for. Whoever answers and still does
 * not take it is not waited for; it is tried again beside the work.
 */
export async function deliverPastLater(options: PastOptions, drain: AbortSignal): Promise<void> {
  const { leftovers, client, log } = options;
  for (let tries = 1; !drain.aborted; tries++) {
    const isThere = await answers(client);
    if (isThere) return void (await deliverPast(options));
    if (tries === 1)
      log.warn("the server is away; it is waited for, to be given first what an earlier start left");
    options.onRound();
    await leftovers.clock.sleep(backoffMs(tries, AWAY_MS_FIRST, AWAY_MS_MAX), drain);
  }
}

/** Asks what needs the database, and changes nothing. */
async function answers(client: PastOptions["client"]): Promise<boolean> {
  return client.get("/runner/whoami", WhoamiReply).then(
    () => true,
    (error: unknown) =>
      error instanceof AppError && error.code !== "unavailable" && error.code !== "timed_out",
  );
}
