import { AppError } from "@windshift/contract/app-error.ts";
import { waitForSignal } from "../db/signals.ts";
import type { Log } from "../http/log.ts";
import { ForgeBusy } from "../runs/forge.ts";
import { type FollowedPull, listFollowed, takeFollowed } from "./followed-pull.ts";
import { type SyncPorts, syncPullRequest } from "./pull-request-sync.ts";
import { forgetOldDeliveries, listHeardOf } from "./webhook-deliveries.ts";

/** Waits between looks for pull requests that are due, ms; a webhook ends the wait. */
const LOOK_MS = 5_000;
/** Shortest time between two looks at one pull request whose forge sends no webhooks, ms: some four requests each. */
export const PULL_REQUEST_POLL_MS = 30_000;
/** Shortest time when webhooks come from the connection, ms: they may be lost, or be switched off again. */
export const PULL_REQUEST_POLL_HEARD_MS = 10 * 60_000;
/** Longest time, ms, for pull requests on which nothing has happened in a long time. */
export const PULL_REQUEST_POLL_MS_MAX = 30 * 60_000;
/** Share of the time since the last change that passes between looks: one changed an hour ago is looked at every 3 minutes. */
const QUIET_SHARE = 1 / 20;
/** How long a connection is left alone whose forge failed, ms, when the forge does not say. */
const PAUSE_MS = 2 * 60_000;
/** Between rounds of forgetting old deliveries, ms. */
const FORGET_MS = 3_600_000;

/**
 * Follows the pull requests on forges until `signal` aborts. Any number of servers may do so: each look is taken in the
 * database first.
 */
export async function runForgeLoop(ports: SyncPorts, log: Log, signal: AbortSignal): Promise<void> {
  const paused = new Map<number, number>();
  let forgetAtMs = 0;
  while (!signal.aborted) {
    const woken = waitForSignal(ports.database.signals, "forges", LOOK_MS, signal);
    try {
      if (Date.now() >= forgetAtMs) {
        await forgetOldDeliveries(ports.database.kysely);
        forgetAtMs = Date.now() + FORGET_MS;
      }
      await syncDue(ports, log, paused, signal);
    } catch (error) {
      log.error({ err: error }, "forges: the database did not answer");
    }
    await woken;
  }
}

async function syncDue(
  ports: SyncPorts,
  log: Log,
  paused: Map<number, number>,
  signal: AbortSignal,
): Promise<void> {
  const db = ports.database.kysely;
  const followed = await listFollowed(db);
  if (followed.length === 0) return;
  const heardOf = await listHeardOf(db);
  for (const pull of followed) {
    if (signal.aborted) return;
    const now = Date.now();
    if ((paused.get(pull.connectionId) ?? 0) > now) continue;
    if (!isDue(pull, heardOf.has(pull.connectionId), now)) continue;
    if (!(await takeFollowed(db, pull, now))) continue;
    try {
      await syncPullRequest(ports, pull);
    } catch (error) {
      const until = error instanceof ForgeBusy ? error.retryAtMs : undefined;
      paused.set(pull.connectionId, until ?? now + PAUSE_MS);
      const said = error instanceof AppError ? error.message : undefined;
      log.warn({ err: error, pull_request: pull.id, said }, "forges: a pull request could not be read");
    }
  }
}

/** @param heard whether webhooks come from its connection */
export function isDue(
  pull: Pick<FollowedPull, "syncedAtMs" | "updatedAtMs">,
  heard: boolean,
  now: number,
): boolean {
  if (pull.syncedAtMs === null) return true;
  const least = heard ? PULL_REQUEST_POLL_HEARD_MS : PULL_REQUEST_POLL_MS;
  const quiet = (now - pull.updatedAtMs) * QUIET_SHARE;
  return now - pull.syncedAtMs >= Math.min(PULL_REQUEST_POLL_MS_MAX, Math.max(least, quiet));
}
