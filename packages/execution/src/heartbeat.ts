import { backoffMs } from "@windshift/base/backoff.ts";
import type { Clock } from "@windshift/base/clock.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { ControlPlane } from "./control-plane.ts";
import { within } from "./deadline.ts";
import type { JobLog } from "./job-log.ts";

/** First wait after a heartbeat that failed, ms: far below the interval, so that one hiccup costs no lease. */
const RETRY_MS_FIRST = 1_000;

export interface HeartbeatOptions {
  controlPlane: ControlPlane;
  clock: Clock;
  log: JobLog;
  /** Time between heartbeats, ms. */
  intervalMs: number;
  onLeaseLost: () => void;
}

/**
 * Renews the lease of a job until `signal` aborts or the lease is lost. A server that cannot be reached is asked again,
 * without limit: only the server knows whether the lease still stands.
 */
export async function keepLease(job: JobSpec, options: HeartbeatOptions, signal: AbortSignal): Promise<void> {
  const { clock, intervalMs } = options;
  let failures = 0;
  while (!signal.aborted) {
    const waitMs = failures === 0 ? intervalMs : backoffMs(failures, RETRY_MS_FIRST, intervalMs);
    await clock.sleep(waitMs, signal);
    if (signal.aborted) return;
    try {
      const reply = await within(clock, intervalMs, options.controlPlane.renew(job), signal);
      if (reply === "lease_lost") return options.onLeaseLost();
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      options.log.warn("the lease could not be renewed; trying again", { tries: failures, error });
    }
  }
}
