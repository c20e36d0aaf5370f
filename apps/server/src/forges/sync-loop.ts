import { AppError } from "@windshift/contract/app-error.ts";
import { waitForSignal } from "../db/signals.ts";
import type { Log } from "../http/log.ts";
import { type FollowedPull, listDue, listDueConnections, settleLook, takeFollowed } from "./followed-pull.ts";
import { pauseOf } from "./forge-failure.ts";
import { type ReplyPorts, tellAuthors } from "./forge-replies.ts";
import { type SyncPorts, syncPullRequest } from "./pull-request-sync.ts";
import { forgetOldDeliveries, isHeardOf } from "./webhook-deliveries.ts";

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
/** How long one that was closed is looked at, ms: who opens one again does so within days; later a webhook or its next run tells. */
export const CLOSED_FOLLOWED_MS = 14 * 86_400_000;
/** Longest time between looks at one that was closed, ms, and the share of the time since then: a hundred looks in all. */
export const CLOSED_POLL_MS_MAX = 6 * 3_600_000;
const CLOSED_SHARE = 1 / 5;
/** Looks in a row at a pull request that is not there until it is no longer followed: some hours, as waits grow. */
export const MISSING_LOOKS_MAX = 10;
/** Connections that are looked at at once; each is asked one thing after the other. */
const LANES_MAX = 8;
/** Between rounds of forgetting old deliveries, ms. */
const FORGET_MS = 3_600_000;

/** Connections that are left alone until a time, UTC ms, and those that are being looked at. */
interface Lanes {
  paused: Map<number, number>;
  running: Map<number, Promise<void>>;
  /** Ends the wait for more: what became due while a lane was on its way was not taken by it. */
  wake(): void;
}

export interface ForgeLoopPace {
  /** Between looks for what is due, ms; LOOK_MS when it is not given. */
  lookMs?: number;
}

/**
 * Follows the pull requests on forges until `signal` aborts. Any number of servers may do so: each look is taken in the
 * database first. A forge that is slow or down holds up no other.
 */
export async function runForgeLoop(
  ports: SyncPorts & ReplyPorts & ForgeLoopPace,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const lanes: Lanes = { paused: new Map(), running: new Map(), wake: () => {} };
  let forgetAtMs = 0;
  while (!signal.aborted) {
    const round = new AbortController();
    lanes.wake = () => round.abort();
    const over = AbortSignal.any([signal, round.signal]);
    const woken = waitForSignal(ports.database.signals, "forges", ports.lookMs ?? LOOK_MS, over);
    try {
      if (Date.now() >= forgetAtMs) {
        await forgetOldDeliveries(ports.database.kysely);
        forgetAtMs = Date.now() + FORGET_MS;
      }
      await startLanes(ports, log, lanes, signal);
      startTelling(ports, log, lanes, signal);
    } catch (error) {
      log.error({ err: error }, "forges: the database did not answer");
    }
    await woken;
  }
  await Promise.all(lanes.running.values());
}

async function startLanes(
  ports: SyncPorts & ReplyPorts,
  log: Log,
  lanes: Lanes,
  signal: AbortSignal,
): Promise<void> {
  const { paused, running } = lanes;
  const now = Date.now();
  for (const [id, untilMs] of paused) if (untilMs <= now) paused.delete(id);
  const due = await listDueConnections(ports.database.kysely, now, [...paused.keys(), ...running.keys()]);
  for (const id of due.slice(0, Math.max(0, LANES_MAX - running.size))) {
    const lane = runLane(ports, log, id, signal)
      .then((untilMs) => {
        if (untilMs !== undefined) paused.set(id, untilMs);
        return true;
      })
      .catch((error) => {
        log.error({ err: error, connection: id }, "forges: the database did not answer");
        return false;
      })
      .then((answered) => {
        running.delete(id);
        startTelling(ports, log, lanes, signal);
        // A database that does not answer is not asked again at once.
        if (answered) lanes.wake();
      });
    running.set(id, lane);
  }
}

/** No connection has this id; answers have a lane of their own. */
const TELLING = 0;

function startTelling(ports: ReplyPorts, log: Log, { running }: Lanes, signal: AbortSignal): void {
  if (running.has(TELLING) || signal.aborted) return;
  const lane = tellAuthors(ports, log, signal)
    .catch((error) => log.error({ err: error }, "forges: the database did not answer"))
    .then(() => void running.delete(TELLING));
  running.set(TELLING, lane);
}

/** Looks at what is due of one connection, one after the other. @returns until when to leave it alone, if so */
async function runLane(
  ports: SyncPorts,
  log: Log,
  connectionId: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  const db = ports.database.kysely;
  const heard = await isHeardOf(db, connectionId);
  for (const pull of await listDue(db, connectionId, Date.now())) {
    if (signal.aborted) return undefined;
    const heldMs = await takeFollowed(db, pull, Date.now());
    if (heldMs === undefined) continue;
    try {
      const { state, changed, later } = await syncPullRequest(ports, pull);
      const now = Date.now();
      const updatedAtMs = changed ? now : pull.updatedAtMs;
      const lookAtMs = later ? now + PULL_REQUEST_POLL_MS : nextLookMs({ state, updatedAtMs }, heard, now);
      await settleLook(db, pull.id, heldMs, { lookAtMs, failures: 0, problem: null });
    } catch (error) {
      const said = error instanceof AppError ? error.message : undefined;
      log.warn({ err: error, pull_request: pull.id, said }, "forges: a pull request could not be read");
      const untilMs = pauseOf(error);
      await settleLook(db, pull.id, heldMs, afterFailure(pull, error, untilMs));
      if (untilMs !== undefined) return untilMs;
    }
  }
  return undefined;
}

/** What concerns the whole connection says nothing about the pull request that was being looked at. */
function afterFailure(pull: FollowedPull, error: unknown, pausedUntilMs: number | undefined) {
  const problem = error instanceof AppError ? error.message : "internal error; the server log has the cause";
  if (pausedUntilMs !== undefined) return { lookAtMs: pausedUntilMs, failures: pull.failures, problem };
  const failures = pull.failures + 1;
  const missing = error instanceof AppError && error.code === "not_found";
  if (missing && failures >= MISSING_LOOKS_MAX) {
    return { lookAtMs: null, failures, problem: `${problem} The pull request is no longer followed.` };
  }
  const waitMs = Math.min(PULL_REQUEST_POLL_MS_MAX, PULL_REQUEST_POLL_MS * 2 ** Math.min(failures, 10));
  return { lookAtMs: Date.now() + waitMs, failures, problem };
}

/** When to look again, UTC ms; null for never. @param heard whether webhooks come from its connection */
export function nextLookMs(
  { state, updatedAtMs }: Pick<FollowedPull, "state" | "updatedAtMs">,
  heard: boolean,
  now: number,
): number | null {
  const least = heard ? PULL_REQUEST_POLL_HEARD_MS : PULL_REQUEST_POLL_MS;
  const quietMs = now - updatedAtMs;
  switch (state) {
    case "open":
      return now + Math.min(PULL_REQUEST_POLL_MS_MAX, Math.max(least, quietMs * QUIET_SHARE));
    case "closed":
      if (quietMs >= CLOSED_FOLLOWED_MS) return null;
      return now + Math.min(CLOSED_POLL_MS_MAX, Math.max(least, quietMs * CLOSED_SHARE));
    case "merged":
      return null;
  }
}
