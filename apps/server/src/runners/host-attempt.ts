import { AppError } from "@windshift/contract/app-error.ts";
import type { RunId } from "@windshift/contract/ids.ts";
import type { AttemptResult, EventBatch, HeldAttempt } from "@windshift/contract/job.ts";
import { LEASE_MS } from "@windshift/contract/limits.ts";
import type { BootId, HeartbeatRequest, RunnerHeartbeatReply } from "@windshift/contract/runner.ts";
import { sql } from "kysely";
import { type Database, dbNowMs } from "../db/database.ts";
import type { RunDefaults } from "../runs/run-create.ts";
import { appendEvents } from "../runs/run-events.ts";
import { reportResult } from "../runs/run-report.ts";
import type { Host } from "./runner-credential.ts";

const LOST = "this attempt is no longer this runner's; end its container and report nothing more";

/** Renews the leases of what a host holds, in one statement, and says what it holds no more. What is asked beside that waits for nobody. */
export async function renewHeld(
  database: Database,
  host: Host,
  { boot, held }: HeartbeatRequest,
): Promise<RunnerHeartbeatReply> {
  const [renewed, depth, row] = await Promise.all([
    held.length === 0 ? [] : renewLeases(database, host, boot, held),
    countQueued(database, host),
    database.leases.selectFrom("runners").select("drain_asked").where("id", "=", host.id).executeTakeFirst(),
  ]);
  const isRenewed = ({ run, attempt }: HeldAttempt) =>
    renewed.some((row) => row.id === run && row.attempt === attempt);
  return {
    abort: held.filter((one) => !isRenewed(one)),
    queue_depth: depth,
    drain: row?.drain_asked === 1,
  };
}

async function countQueued(database: Database, host: Host): Promise<number> {
  const { depth } = await database.leases
    .selectFrom("runs")
    .select((eb) => eb.fn.countAll<number>().as("depth"))
    .where("pool_id", "=", host.pool)
    .where("status", "=", sql.lit("queued")) // not a parameter: the index of queued runs is of use then
    .executeTakeFirstOrThrow();
  return depth;
}

function renewLeases(database: Database, host: Host, boot: BootId, held: readonly HeldAttempt[]) {
  return database.leases
    .updateTable("runs")
    .set({ lease_expires_at_ms: sql<number>`${dbNowMs(database.engine)} + ${sql.lit(LEASE_MS)}` })
    .where("runner_id", "=", host.id)
    .where("runner_boot", "=", boot)
    .where("status", "=", sql.lit("running"))
    .where("lease_expires_at_ms", "is not", null)
    .where((eb) => eb.or(held.map(({ run, attempt }) => eb.and({ id: run, attempt }))))
    .returning(["id", "attempt"])
    .execute();
}

/**
 * Stores a batch of events.
 * @returns the last number that is stored
 * @throws AppError `not_found` for a run of another pool, `lease_lost` for an attempt the host does not hold, `conflict`
 */
export async function takeEvents(
  database: Database,
  host: Host,
  boot: string,
  run: RunId,
  batch: EventBatch,
): Promise<number> {
  await requireOwn(database, host, boot, run);
  const reply = await appendEvents(database, run, batch.attempt, batch.events);
  if (reply.kind === "lease_lost") throw new AppError("lease_lost", LOST);
  return reply.ackedSeq;
}

/** Takes the last word of an attempt; again for a repeated one. @throws AppError as takeEvents */
export async function takeResult(
  database: Database,
  defaults: RunDefaults,
  host: Host,
  boot: string,
  run: RunId,
  result: AttemptResult,
): Promise<void> {
  await requireOwn(database, host, boot, run);
  const reply = await reportResult(database, run, result, defaults);
  if (reply === "lease_lost") throw new AppError("lease_lost", LOST);
}

/**
 * Runs of other pools do not exist for a host. That the attempt is the live one is seen to in the transaction of the write. An
 * attempt that has ended names its start but no runner any more: its result may come a second time.
 */
async function requireOwn(database: Database, host: Host, boot: string, run: RunId): Promise<void> {
  const row = await database.kysely
    .selectFrom("runs")
    .select(["pool_id", "runner_id", "runner_boot"])
    .where("id", "=", run)
    .executeTakeFirst();
  if (row === undefined || row.pool_id !== host.pool) throw new AppError("not_found", "not found");
  const isOthers = row.runner_id !== null && row.runner_id !== host.id;
  if (isOthers || row.runner_boot !== boot) throw new AppError("lease_lost", LOST);
}
