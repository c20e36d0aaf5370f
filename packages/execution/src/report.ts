import type { Clock } from "@windshift/base/clock.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { ERROR_CODES } from "@windshift/contract/error-codes.ts";
import type { AttemptResult, JobSpec } from "@windshift/contract/job.ts";
import { REPORT_MS_MAX } from "@windshift/contract/limits.ts";
import type { ControlPlane } from "./control-plane.ts";
import { limited, within } from "./deadline.ts";
import type { JobLog } from "./job-log.ts";
import { retryWaitMs } from "./retry-wait.ts";

/** First wait before a report that did not get through is sent again, ms. */
const RETRY_MS_FIRST = 500;
/** Longest such wait, ms: several tries fit into REPORT_MS_MAX. */
const RETRY_MS_MAX = 10_000;
/** Time for one try, ms. */
const TRY_MS_MAX = 30_000;

/**
 * Reports the result of an attempt, again and again for REPORT_MS_MAX: its own fresh time, whatever the job has used up.
 * Reporting twice is one outcome, so a lost answer does no harm.
 */
export async function reportResult(
  job: JobSpec,
  result: AttemptResult,
  deps: ReportDeps,
  signal: AbortSignal,
): Promise<ReportEnd> {
  const report = await limited(deps.clock, REPORT_MS_MAX, signal, (limit) => tries(job, result, deps, limit));
  return report.value;
}

export interface ReportDeps {
  controlPlane: ControlPlane;
  clock: Clock;
  log: JobLog;
}

/** `undelivered`: the server took it neither in time nor ever would. */
export type ReportEnd = "accepted" | "lease_lost" | "undelivered";

async function tries(
  job: JobSpec,
  result: AttemptResult,
  { controlPlane, clock, log }: ReportDeps,
  signal: AbortSignal,
): Promise<ReportEnd> {
  for (let tried = 1; !signal.aborted; tried++) {
    try {
      return await within(clock, TRY_MS_MAX, controlPlane.report(job, result), signal);
    } catch (error) {
      log.warn("the result could not be reported", { run: job.run_id, tries: tried, error });
      if (!mayRetry(error)) break;
      await clock.sleep(retryWaitMs(error, tried, RETRY_MS_FIRST, RETRY_MS_MAX), signal);
    }
  }
  return "undelivered";
}

/** What is not one of our codes is a broken connection. */
function mayRetry(error: unknown): boolean {
  return !(error instanceof AppError) || ERROR_CODES[error.code].retry || error.code === "internal";
}
