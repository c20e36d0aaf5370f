import { AppError } from "@windshift/contract/app-error.ts";
import type { PoolId, RunnerId } from "@windshift/contract/ids.ts";
import { type AttemptNotice, JobSpec } from "@windshift/contract/job.ts";
import type { Isolation } from "@windshift/contract/run.ts";
import type { ControlPlane } from "@windshift/execution/control-plane.ts";
import type { Database, Queries } from "../db/database.ts";
import { waitForSignal } from "../db/signals.ts";
import { findPullRequestOfRun } from "../pull-requests/pull-request-store.ts";
import { type ClaimedRun, claimGroup, findByKey } from "./claim-group.ts";
import { isForPerson } from "./forge.ts";
import { putOffForForge } from "./forge-wait.ts";
import { draftJobs, type JobAddresses, type JobDraft } from "./job-spec.ts";
import { deliverQueued } from "./message-delivery.ts";
import type { Run } from "./run.ts";
import { keepBase } from "./run-base.ts";
import type { RunDefaults } from "./run-create.ts";
import { endRun, interruptAttempt } from "./run-end.ts";
import { appendEvents } from "./run-events.ts";
import { lockLiveAttempt } from "./run-fence.ts";
import { renewLease, renewLeaseIn } from "./run-queue.ts";
import { reportResult } from "./run-report.ts";
import { findRun } from "./run-store.ts";

/** What a claimed run is made into a job with. */
export interface ClaimParts {
  database: Database;
  defaults: RunDefaults;
  /** Commit a branch of a repository points at; null when it does not exist. */
  readBranch(repositoryId: number, branch: string): Promise<string | null>;
  /** Told of a claimed run that could not be made into a job. */
  onClaimError(run: number, cause: unknown): void;
}

export interface ControlPlaneOptions extends ClaimParts {
  addresses: JobAddresses;
  /** How the runner confines agents. */
  isolation: Isolation;
  /** Resolves once the server can bear another run, or `signal` aborts; asked before each claim. Left out, it always can. */
  untilCalm?(signal: AbortSignal): Promise<void>;
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
  for (;;) {
    await options.untilCalm?.(signal);
    if (signal.aborted) return null;
    const woken = waitForSignal(database.signals, "queue", CLAIM_LOOK_MS, signal);
    const job = await claimAtOnce(options, pool, runner);
    if (job !== null) return job;
    await woken;
  }
}

/** Claims the next run of the pool; null when there is none now. Never waits for one, only for the host of its repository. */
async function claimAtOnce(
  options: ControlPlaneOptions,
  pool: PoolId,
  runner: RunnerId,
): Promise<JobSpec | null> {
  const { isolation, addresses } = options;
  for (;;) {
    const [reply] = await claimGroup(options, pool, [{ runner, isolation, addresses }]);
    if (reply?.status === "rejected") throw reply.reason;
    if (reply?.value.kind !== "claimed") return null;
    const job = await completeClaim(options, reply.value.value);
    if (job !== undefined) return job;
  }
}

/** The half that asks the host of the repository, which may take its time. Undefined when the run cannot start: it has its turn later. */
export async function completeClaim(
  options: ClaimParts,
  { run, draft }: ClaimedRun,
): Promise<JobSpec | undefined> {
  await options.database.signals.notify(`run:${run.id}`);
  return completeJob(options, run, draft);
}

/**
 * Gives the job of a claim again whose answer was lost, with further tokens: only hashes of the first are stored. Those stay, as
 * the first answer may have arrived after all (a link can deliver a request twice) and its agent be at work with them. Undefined
 * when the key answered none, or its attempt is over.
 */
export async function repeatClaim(
  options: ClaimParts,
  runner: RunnerId,
  key: string,
  addresses: JobAddresses,
): Promise<JobSpec | undefined> {
  const { database } = options;
  const row = await findByKey(database.kysely, runner, key);
  if (row === undefined) return undefined;
  const claimed = await database.transaction(async (tx) => {
    const run = await lockLiveAttempt(database, tx, row.id, row.attempt);
    if (run === undefined) return undefined;
    // Its host begins now: the lease is as long as with a first answer.
    const renewed = { ...run, lease_expires_at_ms: await renewLeaseIn(database, tx, run.id) };
    const [draft] = await draftJobs(tx, [{ run: renewed, addresses }]);
    if (draft === undefined) return undefined;
    const prompt = draft.initial_prompt;
    await tx.updateTable("runs").set({ prompt }).where("id", "=", run.id).execute();
    return { run: renewed, draft };
  });
  return claimed && completeJob(options, claimed.run, claimed.draft);
}

/** Asks git what the job's branches point at. A repository that cannot be read costs the attempt, not the loop. */
async function completeJob(options: ClaimParts, run: Run, draft: JobDraft): Promise<JobSpec | undefined> {
  const { database, defaults } = options;
  try {
    const repository = run.grants?.repository_id ?? 0;
    const [base_oid, branch_oid] = await Promise.all(
      [draft.repo.base_ref, draft.repo.branch].map((branch) => options.readBranch(repository, branch)),
    );
    if (branch_oid) requireOwnBranch(run, draft);
    await requireOpenPull(database.kysely, run, draft, branch_oid ?? null);
    await keepBase(database, run, base_oid ?? null);
    return JobSpec.parse({ ...draft, repo: { ...draft.repo, base_oid, branch_oid } });
  } catch (cause) {
    options.onClaimError(run.id, cause);
    await database.transaction(async (tx) => {
      const live = await lockLiveAttempt(database, tx, run.id, run.attempt);
      if (live !== undefined && (isForPerson(cause) || isConflict(cause))) {
        const ending = { status: "failed", reason: "misconfigured", detail: cause.message } as const;
        await endRun(database, tx, live, ending, defaults);
        return;
      }
      const why =
        cause instanceof AppError
          ? `its repository could not be read: ${cause.message.replace(/\.$/, "")}`
          : "its repository could not be read on the server (the log says why)";
      if (live === undefined) return;
      const queued = { status: "queued", phase: null, runner_id: null, lease_expires_at_ms: null } as const;
      if (live.cancel_requested_at_ms === null) {
        if ((await putOffForForge(database, tx, live, cause, queued)) === "waits") return;
      }
      await interruptAttempt(database, tx, live, why, defaults);
    });
    await database.signals.notify(`run:${run.id}`);
    await database.signals.notify("queue");
    return undefined;
  }
}

/**
 * A run that was never given to a runner has pushed nothing: a branch of its name is another's, and stays as it is.
 * @throws AppError `conflict`
 */
function requireOwnBranch(run: Run, draft: JobDraft): void {
  if (run.branch_run_id !== null || run.base_oid !== null) return;
  throw new AppError(
    "conflict",
    `The branch ${draft.repo.branch} exists in ${run.grants?.owner}/${run.grants?.repo} although this run has pushed nothing: it was made by another installation, or before this database was restored. Delete or rename the branches agent-runs/* there that are not of this installation, then run the item again.`,
  );
}

/**
 * A run that goes on with a pull request is not started for one that is decided: nobody would see its commits.
 * @throws AppError `conflict`
 */
async function requireOpenPull(
  db: Queries,
  run: Run,
  draft: JobDraft,
  branchOid: string | null,
): Promise<void> {
  if (run.branch_run_id === null) return;
  const pull = await findPullRequestOfRun(db, run.branch_run_id);
  const what = `pull request #${pull?.number ?? "?"}`;
  const next = "Run the item again to start on a branch of its own.";
  if (pull !== undefined && pull.state !== "open")
    throw new AppError("conflict", `The ${what} that this run goes on with was ${pull.state}. ${next}`);
  if (branchOid === null)
    throw new AppError("conflict", `The branch ${draft.repo.branch} of ${what} was deleted. ${next}`);
}

function isConflict(cause: unknown): cause is AppError {
  return cause instanceof AppError && cause.code === "conflict";
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
    for (const { id, text } of await deliverQueued(database, job.run_id)) {
      yield { kind: "message", id: String(id), text };
    }
    await woken;
  }
}
