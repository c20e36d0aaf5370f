import { backoffMs } from "@windshift/base/backoff.ts";
import type { Clock } from "@windshift/base/clock.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { AttemptPaths, Checkout, PrepareReply, PushReply } from "./checkout.ts";

/** First wait before git's work is tried again, ms, and the longest: a server that was restarted is back within seconds. */
const RETRY_MS_FIRST = 500;
const RETRY_MS_MAX = 10_000;

/**
 * A checkout for a host of its own: what failed because the server could not be reached is tried again until the phase's time is
 * over. The attempt lives as long as its lease, and work that is done is not lost to a server that is being restarted. A push that got
 * through while its answer was lost finds the branch as it wants it.
 */
export class PatientCheckout implements Checkout {
  constructor(
    private readonly inner: Checkout,
    private readonly clock: Clock,
  ) {}

  open(job: JobSpec) {
    return this.inner.open(job);
  }

  close(paths: AttemptPaths): Promise<void> {
    return this.inner.close(paths);
  }

  prepare(
    job: JobSpec,
    paths: AttemptPaths,
    signal: AbortSignal,
    progress: (line: string) => void,
  ): Promise<PrepareReply> {
    return this.untilAnswered(signal, progress, () => this.inner.prepare(job, paths, signal, progress));
  }

  push(
    job: JobSpec,
    paths: AttemptPaths,
    baseOid: string,
    signal: AbortSignal,
    progress: (line: string) => void,
  ): Promise<PushReply> {
    return this.untilAnswered(signal, progress, () => this.inner.push(job, paths, baseOid, signal, progress));
  }

  private async untilAnswered<T extends PrepareReply | PushReply>(
    signal: AbortSignal,
    progress: (line: string) => void,
    work: () => Promise<T>,
  ): Promise<T> {
    for (let tries = 1; ; tries++) {
      const reply = await work();
      if (reply.kind !== "failed" || reply.unreachable !== true || signal.aborted) return reply;
      progress("the server could not be reached for git; trying again");
      await this.clock.sleep(backoffMs(tries, RETRY_MS_FIRST, RETRY_MS_MAX), signal);
      if (signal.aborted) return reply;
    }
  }
}
