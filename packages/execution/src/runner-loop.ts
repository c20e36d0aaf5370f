import type { Clock } from "@windshift/base/clock.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { JobEnd } from "./job.ts";
import type { JobLog } from "./job-log.ts";
import { retryWaitMs } from "./retry-wait.ts";

/** Where jobs come from. */
export interface JobSource {
  /** Gives the next job, or null when none came while it waited; `signal` ends the wait. */
  claim(signal: AbortSignal): Promise<JobSpec | null>;
}

export interface RunnerLoopOptions {
  source: JobSource;
  /** Does one job to its end. A job that rejects is logged; the loop goes on. */
  run: (job: JobSpec, cancel: AbortSignal) => Promise<JobEnd>;
  /** Jobs at once. */
  capacity: number;
  /** Takes exactly one job and ends with it. */
  once?: boolean;
  /** Pause after a claim without a job, ms: 0 where the claim itself waits. */
  idleMs: number;
  clock: Clock;
  log: JobLog;
}

/** First wait after a claim that failed, ms. */
const CLAIM_RETRY_MS_FIRST = 500;
/** Longest such wait, ms: work starts at most this long after the server is back. */
const CLAIM_RETRY_MS_MAX = 30_000;

/**
 * Claims and runs jobs, up to `capacity` at once, until `drain` aborts; then waits for those that run. `cancel` drains
 * and ends the running ones too. Resolves when nothing runs any more.
 *
 * One claim is open at a time, as long as there is a free place, and the next one follows its answer at once: a host fills up as
 * fast as the server answers, and a queue that is empty is asked by one request of each host.
 */
export async function runnerLoop(
  options: RunnerLoopOptions,
  signals: { drain: AbortSignal; cancel: AbortSignal },
): Promise<void> {
  const stop = AbortSignal.any([signals.drain, signals.cancel]);
  const stopped = aborted(stop);
  const running = new Set<Promise<void>>();
  let failures = 0;
  while (!stop.aborted) {
    if (running.size >= options.capacity) {
      await Promise.race([...running, stopped]);
      continue;
    }
    try {
      const job = await options.source.claim(stop);
      failures = 0;
      if (job === null) await options.clock.sleep(options.idleMs, stop);
      else start(job, options, signals.cancel, running);
      if (job !== null && options.once) break;
    } catch (error) {
      if (stop.aborted) break;
      failures++;
      options.log.warn("no job could be claimed; trying again", { tries: failures, error });
      await options.clock.sleep(retryWaitMs(error, failures, CLAIM_RETRY_MS_FIRST, CLAIM_RETRY_MS_MAX), stop);
    }
  }
  await Promise.all(running);
}

/** A job that was claimed is run even when a drain began meanwhile: the server counts on it. */
function start(
  job: JobSpec,
  { run, log }: RunnerLoopOptions,
  cancel: AbortSignal,
  running: Set<Promise<void>>,
): void {
  log.info("job claimed", { run: job.run_id, attempt: job.attempt });
  const ended: Promise<void> = run(job, cancel)
    .then(
      (end) => log.info("job ended", { run: job.run_id, attempt: job.attempt, end: end.kind }),
      (error) => log.error("a job ended with an error", { run: job.run_id, attempt: job.attempt, error }),
    )
    .finally(() => running.delete(ended));
  running.add(ended);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
