import type { AttemptNotice, AttemptResult, JobSpec } from "@windshift/contract/job.ts";
import { REPORT_MS_MAX } from "@windshift/contract/limits.ts";
import { within } from "./deadline.ts";
import { EventOutbox } from "./event-outbox.ts";
import { keepLease } from "./heartbeat.ts";
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
  /** The server could not be reached in time; the result is for the caller to keep. */
  | { kind: "undelivered"; result: AttemptResult };

/**
 * Does one claimed job, from its lease to the report: prepare, agent, export, push. Ends in every case, leaves no
 * container and no folder behind, and never rejects: what goes wrong is in the result.
 *
 * What an agent committed is pushed also when it failed, ran out of time or memory: work is kept, and the server
 * decides what becomes of it. A canceled run is not pushed.
 */
export async function runJob(job: JobSpec, deps: JobDeps, signals: { cancel: AbortSignal }): Promise<JobEnd> {
  const { controlPlane, clock, log } = deps;
  const control = new JobControl();
  const done = new AbortController();
  const loseLease = () => control.stop("lease_lost");
  const outbox = new EventOutbox({
    append: (events) => controlPlane.append(job, events),
    clock,
    log,
    onLeaseLost: loseLease,
  });
  const transcript = new Transcript(outbox, clock, [job.tokens.agent, job.tokens.git]);
  const work = new JobWork(job, deps, control, transcript);

  // Whoever is held up by a full outbox must be free to end when the job's events no longer matter.
  control.forsaken.addEventListener("abort", () => outbox.abandon());
  const interrupt = () => control.stop("interrupted");
  signals.cancel.addEventListener("abort", interrupt, { once: true });
  if (signals.cancel.aborted) interrupt();
  const heartbeat = {
    controlPlane,
    clock,
    log,
    intervalMs: deps.settings.heartbeatMs,
    onLeaseLost: loseLease,
  };
  const loops = Promise.all([
    keepLease(job, heartbeat, done.signal),
    followNotices(job, deps, (notice) => obey(notice, control, work), done.signal),
  ]);
  try {
    const result = await work.run();
    if (control.forsaken.aborted) return ended(control);
    return await deliver(job, result, deps, transcript, control);
  } finally {
    done.abort();
    outbox.abandon();
    signals.cancel.removeEventListener("abort", interrupt);
    await Promise.all([work.cleanUp(), loops]);
  }
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
  return { kind: control.cause === "interrupted" ? "interrupted" : "lease_lost" };
}
