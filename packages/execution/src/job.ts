import type { AttemptNotice, AttemptResult, JobSpec } from "@windshift/contract/job.ts";
import { REPORT_MS_MAX } from "@windshift/contract/limits.ts";
import { type AttemptSpool, MEMORY_SPOOLS } from "./attempt-spool.ts";
import { within } from "./deadline.ts";
import { EventOutbox } from "./event-outbox.ts";
import { type HeartbeatOptions, keepLease } from "./heartbeat.ts";
import { JobControl } from "./job-control.ts";
import type { JobDeps } from "./job-deps.ts";
import { JobWork } from "./job-work.ts";
import { followNotices } from "./notice-loop.ts";
import { reportResult } from "./report.ts";
import { Transcript } from "./transcript.ts";

export type { JobDeps };

/** How a job ended for the runner that had it. */
export type JobEnd =
  | { kind: "reported"; result: AttemptResult }
  /** Another attempt may own the run: nothing was pushed after that was known, nothing reported. */
  | { kind: "lease_lost" }
  /** This program was told to end; the lease lapses and the run is queued again. */
  | { kind: "interrupted" }
  /** No server was reached for so long that the job was ended; its spool has what it had to say. */
  | { kind: "partitioned" }
  /** The server could not be reached in time; the spool has the result, and delivers it later. */
  | { kind: "undelivered"; result: AttemptResult };

/**
 * Does one claimed job, from its lease to the report: prepare, agent, export, push. Ends in every case, leaves no
 * container and no folder behind, and never rejects: what goes wrong is in the result.
 *
 * What an agent committed is pushed also when it failed, ran out of time or memory: work is kept, and the server
 * decides what becomes of it. A canceled run is not pushed.
 */
export async function runJob(job: JobSpec, deps: JobDeps, signals: { cancel: AbortSignal }): Promise<JobEnd> {
  const control = new JobControl();
  const interrupt = () => control.stop("interrupted");
  signals.cancel.addEventListener("abort", interrupt, { once: true });
  if (signals.cancel.aborted) interrupt();
  const spool = await (deps.spools ?? MEMORY_SPOOLS).open(job);
  let end: JobEnd = { kind: "interrupted" };
  try {
    end = await runSpooled(job, deps, control, spool);
    return end;
  } finally {
    signals.cancel.removeEventListener("abort", interrupt);
    await spool.end(isKept(end));
  }
}

/** What the server has, or wants no more, needs no spool. */
function isKept(end: JobEnd): boolean {
  return end.kind !== "reported" && end.kind !== "lease_lost";
}

async function runSpooled(
  job: JobSpec,
  deps: JobDeps,
  control: JobControl,
  spool: AttemptSpool,
): Promise<JobEnd> {
  const { controlPlane, clock, log } = deps;
  const done = new AbortController();
  const outbox = new EventOutbox({
    spool: spool.events,
    append: (events) => controlPlane.append(job, events),
    clock,
    log,
    onLeaseLost: () => control.stop("lease_lost"),
  });
  const transcript = new Transcript(outbox, clock, [job.tokens.agent, job.tokens.git]);
  const work = new JobWork(job, deps, control, transcript);
  // Whoever is held up by a full outbox must be free to end when the job's events no longer matter.
  control.forsaken.addEventListener("abort", () => outbox.abandon());
  if (control.forsaken.aborted) outbox.abandon();
  const loops = Promise.all([
    keepLease(job, heartbeatOf(deps, control), done.signal),
    followNotices(job, deps, (notice) => obey(notice, control, work), done.signal),
  ]);
  try {
    const result = await work.run();
    if (control.forsaken.aborted) return ended(control);
    // Before it is told: the server hears of it after all when this program dies meanwhile.
    await spool.keepResult(result);
    return await deliver(job, result, deps, transcript, control);
  } finally {
    done.abort();
    await outbox.close();
    await Promise.all([work.cleanUp(), loops]);
  }
}

function heartbeatOf({ controlPlane, clock, log, settings }: JobDeps, control: JobControl): HeartbeatOptions {
  const { heartbeatMs: intervalMs, partitionMs } = settings;
  const onPartitioned = () => control.stop("partitioned");
  return {
    controlPlane,
    clock,
    log,
    intervalMs,
    onLeaseLost: () => control.stop("lease_lost"),
    ...(partitionMs === undefined ? {} : { partition: { afterMs: partitionMs, onPartitioned } }),
  };
}

function obey(notice: AttemptNotice, control: JobControl, work: JobWork): void {
  if (notice.kind === "cancel") control.stop("canceled", notice.force);
  else if (notice.kind === "lease_lost") control.stop("lease_lost");
  else work.say(notice.id, notice.text);
}

/** Events first: the server takes none once the attempt has ended. */
async function deliver(
  job: JobSpec,
  result: AttemptResult,
  deps: JobDeps,
  transcript: Transcript,
  control: JobControl,
): Promise<JobEnd> {
  await within(deps.clock, REPORT_MS_MAX, transcript.flush(), control.forsaken).catch((error) =>
    deps.log.warn("the last events of the attempt were not delivered", { run: job.run_id, error }),
  );
  if (control.forsaken.aborted) return ended(control);
  const answer = await reportResult(job, result, deps, control.forsaken);
  switch (answer) {
    case "accepted":
      return { kind: "reported", result };
    case "lease_lost":
      return { kind: "lease_lost" };
    case "undelivered":
      return control.forsaken.aborted ? ended(control) : { kind: "undelivered", result };
  }
}

function ended(control: JobControl): JobEnd {
  const { cause } = control;
  return { kind: cause === "interrupted" || cause === "partitioned" ? cause : "lease_lost" };
}
