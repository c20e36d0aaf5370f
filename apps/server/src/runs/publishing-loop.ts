import { backoffMs } from "@windshift/base/backoff.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { PUBLISH_MS_MAX, PUBLISH_TRIES_MAX } from "@windshift/contract/limits.ts";
import type { Database } from "../db/database.ts";
import { waitForSignal } from "../db/signals.ts";
import type { Log } from "../http/log.ts";
import { isForPerson } from "./forge.ts";
import { type ForgeWait, putOffForForge } from "./forge-wait.ts";
import type { Run } from "./run.ts";
import { lockRun } from "./run-fence.ts";
import { givePublishingUp, type PublishingPorts, publishRun } from "./run-publishing.ts";
import {
  holdPublishing,
  listSteps,
  PUBLISHING_RENEW_MS,
  renewPublishing,
  takePublishing,
} from "./run-publishing-store.ts";

/** Waits between looks for work when no signal comes, ms; also how soon another server's dropped run is noticed. */
const LOOK_MS = 5_000;
/** First wait before a failed step is tried again, ms; PUBLISH_TRIES_MAX tries fit into PUBLISH_MS_MAX. */
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = PUBLISH_MS_MAX / PUBLISH_TRIES_MAX;

/** Finishes runs that have a result, one after the other, until `signal` aborts. Any number of servers may do so. */
export async function runPublishingLoop(
  ports: PublishingPorts,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const faults = new Map<number, number>();
  while (!signal.aborted) {
    const woken = waitForSignal(ports.database.signals, "publishing", LOOK_MS, signal);
    try {
      const run = await takePublishing(ports.database);
      if (run !== undefined) {
        await publishOne(ports, log, run, faults);
        continue;
      }
    } catch (error) {
      log.error({ err: error }, "publishing: the database did not answer");
    }
    await woken;
  }
}

async function publishOne(
  ports: PublishingPorts,
  log: Log,
  run: Run,
  faults: Map<number, number>,
): Promise<void> {
  const renewal = setInterval(() => {
    renewPublishing(ports.database, run).catch((error) =>
      log.warn({ err: error, run: run.id }, "publishing: the hold was not renewed"),
    );
  }, PUBLISHING_RENEW_MS);
  try {
    await publishRun(ports, run);
  } catch (error) {
    clearInterval(renewal);
    const failed = (await listSteps(ports.database.kysely, run.id)).find((s) => s.status === "failed");
    // What fails outside of a step is tried as often, counted here.
    const tries = failed?.tries ?? (faults.get(run.id) ?? 0) + 1;
    faults.set(run.id, tries);
    log.warn({ err: error, run: run.id, step: failed?.step, tries }, "publishing: a step failed");
    const wait = await putOff(ports.database, run, error);
    if (wait === "waits") return;
    const forPerson = isForPerson(error);
    const final = forPerson || wait === "over" || (error instanceof AppError && error.code === "conflict");
    if (final || tries >= PUBLISH_TRIES_MAX) {
      faults.delete(run.id);
      const said = failed?.detail ?? "internal error; the server log has the cause";
      const why = forPerson ? said : `${said} (step ${failed?.step ?? "end"}, ${tries} tries)`;
      await givePublishingUp(ports, run, forPerson ? "misconfigured" : "publish_failed", why);
    } else {
      await holdPublishing(ports.database, run, backoffMs(tries, RETRY_FIRST_MS, RETRY_MAX_MS));
    }
  } finally {
    clearInterval(renewal);
  }
}

/** Leaves a run alone that its forge cannot take now; meanwhile its sentence stands on it. */
async function putOff(database: Database, run: Run, error: unknown): Promise<ForgeWait> {
  const wait = await database.transaction(async (tx) => {
    const locked = await lockRun(database, tx, run.id);
    if (locked?.phase !== "publishing" || locked.attempt !== run.attempt) return "other";
    return putOffForForge(database, tx, locked, error, { publishing_until_ms: null });
  });
  if (wait === "waits") await database.signals.notify(`run:${run.id}`);
  return wait;
}
