import type { Clock } from "@windshift/base/clock.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { ControlPlane } from "./control-plane.ts";
import { within } from "./deadline.ts";
import type { JobLog } from "./job-log.ts";
import { retryWaitMs } from "./retry-wait.ts";

/** First wait after a heartbeat that failed, ms: far below the interval, so that one hiccup costs no lease. */
const RETRY_MS_FIRST = 1_000;

export interface HeartbeatOptions {
  controlPlane: ControlPlane;
  clock: Clock;
  log: JobLog;
  /** Time between heartbeats, ms. */
  intervalMs: number;
  onLeaseLost: () => void;
  /** What to do when no heartbeat was answered for so long, ms; without it the server is waited for without limit. */
  partition?: { afterMs: number; onPartitioned: () => void } | undefined;
}

/**
 * Renews the lease of a job until `signal` aborts, the lease is lost, or the server was silent for too long. Until then a
 * server that cannot be reached is asked again: only the server knows whether the lease still stands.
 */
export async function keepLease(job: JobSpec, options: HeartbeatOptions, signal: AbortSignal): Promise<void> {
  const silence = new Silence(options, signal);
  silence.begin();
  try {
    await renewUntil(job, options, AbortSignal.any([signal, silence.tooLong]), () => silence.begin());
  } finally {
    silence.end();
  }
}

async function renewUntil(
  job: JobSpec,
  options: HeartbeatOptions,
  signal: AbortSignal,
  onAnswer: () => void,
): Promise<void> {
  const { clock, intervalMs } = options;
  let failures = 0;
  let waitMs = intervalMs;
  while (!signal.aborted) {
    await clock.sleep(waitMs, signal);
    if (signal.aborted) return;
    try {
      const reply = await within(clock, intervalMs, options.controlPlane.renew(job), signal);
      if (reply === "lease_lost") return options.onLeaseLost();
      onAnswer();
      failures = 0;
      waitMs = intervalMs;
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      waitMs = retryWaitMs(error, failures, RETRY_MS_FIRST, intervalMs);
      options.log.warn("the lease could not be renewed; trying again", { tries: failures, error });
    }
  }
}

/** Measures how long the server has been silent, with a timer: a host's clock may be set while it waits. */
class Silence {
  private readonly reached = new AbortController();
  private broken = new AbortController();

  constructor(
    private readonly options: HeartbeatOptions,
    private readonly signal: AbortSignal,
  ) {}

  /** Aborts when it lasted too long. */
  get tooLong(): AbortSignal {
    return this.reached.signal;
  }

  /** Measures from now on. */
  begin(): void {
    this.end();
    const { clock, partition } = this.options;
    if (partition === undefined) return;
    this.broken = new AbortController();
    const { signal: broken } = this.broken;
    void clock.sleep(partition.afterMs, AbortSignal.any([broken, this.signal])).then(() => {
      if (broken.aborted || this.signal.aborted) return;
      this.reached.abort();
      partition.onPartitioned();
    });
  }

  end(): void {
    this.broken.abort();
  }
}
