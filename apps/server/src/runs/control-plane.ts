import type { PoolId, RunnerId } from "@windshift/contract/ids.ts";
import { type AttemptNotice, JobSpec } from "@windshift/contract/job.ts";
import type { ControlPlane } from "@windshift/execution/control-plane.ts";
import type { Database } from "../db/database.ts";
import { waitForSignal } from "../db/signals.ts";
import { type JobAddresses, makeJobSpec, type ReadBranch } from "./job-spec.ts";
import type { RunDefaults } from "./run-create.ts";
import { appendEvents } from "./run-events.ts";
import { takeQueuedMessages } from "./run-messages.ts";
import { claimRun, renewLease } from "./run-queue.ts";
import { reportResult } from "./run-report.ts";
import { findRun } from "./run-store.ts";

export interface ControlPlaneOptions {
  database: Database;
  defaults: RunDefaults;
  addresses: JobAddresses;
  readBranch: ReadBranch;
}

/** Waits between looks at the database when no signal comes, ms: a lost signal delays, it never loses. */
const CLAIM_LOOK_MS = 2_000;
const NOTICE_LOOK_MS = 5_000;

/** The control plane for runners in the server's own process: the same rules as over HTTP, called directly. */
export function createControlPlane(options: ControlPlaneOptions): ControlPlane {
  const { database, defaults } = options;
  return {
    renew: async (job) => ((await renewLease(database, job.run_id, job.attempt)) ? "held" : "lease_lost"),
    append: (job, events) => appendEvents(database, job.run_id, job.attempt, events),
    notices: (job, signal) => watchAttempt(database, job, signal),
    report: (job, result) => reportResult(database, job.run_id, result, defaults),
  };
}

/** Claims the next run of the pool, waiting for one until `signal` aborts; then null. */
export async function claimJob(
  options: ControlPlaneOptions,
  pool: PoolId,
  runner: RunnerId,
  signal: AbortSignal,
): Promise<JobSpec | null> {
  const { database } = options;
  while (!signal.aborted) {
    const woken = waitForSignal(database.signals, "queue", CLAIM_LOOK_MS, signal);
    const job = await claimRun(database, pool, runner, async (tx, run) => {
      await startItem(tx, run.work_item_id);
      return makeJobSpec(tx, run, options.addresses, options.readBranch);
    });
    if (job !== undefined) {
      await database.signals.notify(`run:${job.run_id}`);
      return JobSpec.parse(job);
    }
    await woken;
  }
  return null;
}

/** An item nobody has started is in progress once its run is. */
async function startItem(tx: Parameters<typeof makeJobSpec>[0], item: number): Promise<void> {
  await tx
    .updateTable("work_items")
    .set({ status: "in_progress" })
    .where("id", "=", item)
    .where("status", "=", "todo")
    .execute();
}

async function* watchAttempt(
  database: Database,
  job: JobSpec,
  signal: AbortSignal,
): AsyncIterable<AttemptNotice> {
  let asked = false;
  while (!signal.aborted) {
    const woken = waitForSignal(database.signals, `run:${job.run_id}`, NOTICE_LOOK_MS, signal);
    const run = await findRun(database.kysely, job.run_id);
    if (run?.status === "killed" && run.attempt === job.attempt) {
      yield { kind: "cancel", force: true };
      return;
    }
    const held = run?.attempt === job.attempt && run.status === "running" && run.lease_expires_at_ms !== null;
    if (!held) {
      yield { kind: "lease_lost" };
      return;
    }
    if (run.cancel_requested_at_ms !== null && !asked) {
      asked = true;
      yield { kind: "cancel", force: false };
    }
    for (const message of await takeQueuedMessages(database.kysely, job.run_id)) {
      yield { kind: "message", id: String(message.id), text: message.body };
    }
    await woken;
  }
}
