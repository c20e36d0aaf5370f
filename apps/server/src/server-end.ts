import { orLate } from "@windshift/base/deadline.ts";
import type { Log } from "./http/log.ts";

/**
 * How long the loops of a server may take to end, and then its database, ms each. The listener takes eight seconds at most beside the
 * loops, so that all is over within the ten that `docker stop` waits, where the database answers. Where it does not, what is to be written
 * down is waited for as well; our compose files give a minute.
 */
const END_MS_MAX = 8_000;

/** What is ended, in the words of whoever ends it. */
export interface EndingParts {
  /** Ends the runs in progress, which takes as long as their containers do. */
  runner: { stop(): Promise<void> } | undefined;
  loops: readonly Promise<void>[];
  stopLoops(): void;
  listener: { stop(): Promise<void> };
  holds: { close(): Promise<void> };
  traces: { close(): Promise<void> } | undefined;
  database: { close(): Promise<void> };
  lock: { release(): void } | undefined;
  log: Pick<Log, "warn">;
}

/**
 * Ends a server: first the runs it executes itself, which need it until then, then its loops and its requests, then what those leave to
 * be written down. A loop or a database that does not end is left behind: what it was at is as after a crash, from which all recovers.
 */
export async function endServer(parts: EndingParts, msMax = END_MS_MAX): Promise<void> {
  const { runner, listener, holds, traces, database, lock, log } = parts;
  await runner?.stop();
  parts.stopLoops();
  await Promise.all([
    inTime(Promise.all(parts.loops), "work in the background", msMax, log),
    listener.stop(),
  ]);
  await holds.close();
  await traces?.close();
  await inTime(database.close(), "connections to the database", msMax, log);
  lock?.release();
}

async function inTime(
  work: Promise<unknown>,
  what: string,
  msMax: number,
  log: Pick<Log, "warn">,
): Promise<void> {
  if ((await orLate(work, msMax)) === "late")
    log.warn({}, `the server ends before its ${what}, which did not end in time`);
}
