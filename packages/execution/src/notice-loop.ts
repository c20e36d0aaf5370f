import type { Clock } from "@windshift/base/clock.ts";
import type { AttemptNotice, JobSpec } from "@windshift/contract/job.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { JobLog } from "./job-log.ts";
import { retryWaitMs } from "./retry-wait.ts";

/** First wait before a lost stream of notices is opened again, ms. */
const RETRY_MS_FIRST = 500;
/** Longest such wait, ms: a cancel is heard soon after the server is back. */
const RETRY_MS_MAX = 15_000;

/** Hands each notice to `onNotice`, and listens again when the connection breaks, until `signal` aborts. */
export async function followNotices(
  job: JobSpec,
  options: { controlPlane: ControlPlane; clock: Clock; log: JobLog },
  onNotice: (notice: AttemptNotice) => void,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      for await (const notice of options.controlPlane.notices(job, signal)) {
        failures = 0;
        onNotice(notice);
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      options.log.warn("notices of the server cannot be read; trying again", { tries: failures, error });
      await options.clock.sleep(retryWaitMs(error, failures, RETRY_MS_FIRST, RETRY_MS_MAX), signal);
    }
  }
}
