import { sql } from "kysely";
import { type Database, dbNowMs } from "../db/database.ts";
import type { RunDefaults } from "./run-create.ts";
import { interruptAttempt } from "./run-end.ts";
import { lockLiveAttempt } from "./run-fence.ts";

/** What the sweep found and did; `run` and `attempt` name the attempt that ended. */
export interface Interrupted {
  run: number;
  attempt: number;
  /** `error`: it could not be ended and is tried again at the next sweep; `cause` is for the log. */
  became: "canceled" | "publishing" | "failed" | "queued" | "error";
  cause?: unknown;
}

/** Ends every attempt whose lease has lapsed by the database's clock. Safe on many servers at once. */
export function sweepLapsedLeases(database: Database, defaults: RunDefaults): Promise<Interrupted[]> {
  return interruptWhere(database, defaults, "its runner was not heard of for too long", { lapsed: true });
}

/**
 * Ends the attempts a runner held before it started anew: they died with its process.
 * @param runner a runner whose row already carries its new boot id
 * @param boot attempts of this start of it go on; without it none does
 */
export function interruptHeldBy(
  database: Database,
  defaults: RunDefaults,
  runner: number,
  boot?: string,
): Promise<Interrupted[]> {
  return interruptWhere(database, defaults, "its runner was restarted", { runner, boot });
}

/** Ends what a runner holds whose credential was withdrawn. */
export function interruptRevoked(
  database: Database,
  defaults: RunDefaults,
  runner: number,
): Promise<Interrupted[]> {
  return interruptWhere(database, defaults, "its runner was revoked", { runner, boot: undefined });
}

async function interruptWhere(
  database: Database,
  defaults: RunDefaults,
  why: string,
  which: { lapsed: true } | { runner: number; boot: string | undefined },
): Promise<Interrupted[]> {
  let query = database.kysely
    .selectFrom("runs")
    .select(["id", "attempt"])
    .where("status", "=", sql.lit("running")) // not a parameter: the index of running runs is of use then
    .where("lease_expires_at_ms", "is not", null);
  query =
    "lapsed" in which
      ? query.where("lease_expires_at_ms", "<", dbNowMs(database.engine))
      : query
          .where("runner_id", "=", which.runner)
          .where((eb) => eb.or([eb("runner_boot", "is", null), eb("runner_boot", "!=", which.boot ?? "")]));
  const done: Interrupted[] = [];
  for (const { id, attempt } of await query.execute()) {
    // One that cannot be ended must not keep the others waiting.
    try {
      const became = await interruptOne(database, defaults, why, id, attempt, "lapsed" in which);
      if (became !== undefined) done.push({ run: id, attempt, became });
    } catch (cause) {
      done.push({ run: id, attempt, became: "error", cause });
    }
  }
  return done;
}

async function interruptOne(
  database: Database,
  defaults: RunDefaults,
  why: string,
  id: number,
  attempt: number,
  onlyLapsed: boolean,
): Promise<Interrupted["became"] | undefined> {
  const became = await database.transaction(async (tx) => {
    const run = await lockLiveAttempt(database, tx, id, attempt);
    if (run === undefined) return undefined;
    if (onlyLapsed) {
      // Renewed between the look and the lock: then the attempt lives.
      const { now } = await tx.selectNoFrom(dbNowMs(database.engine).as("now")).executeTakeFirstOrThrow();
      if ((run.lease_expires_at_ms ?? 0) >= now) return undefined;
    }
    return interruptAttempt(database, tx, run, why, defaults);
  });
  if (became === undefined) return undefined;
  await database.signals.notify(`run:${id}`);
  await database.signals.notify(became === "publishing" ? "publishing" : "queue");
  return became;
}
