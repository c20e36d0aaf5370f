import { backoffMs } from "@windshift/base/backoff.ts";
import type { Clock } from "@windshift/base/clock.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { AttemptPaths, Checkout, PrepareReply, PushReply } from "./checkout.ts";

/** First wait before git's work is tried again, ms, and the longest: a server that was restarted is back within seconds. */
const RETRY_MS_FIRST = 500;
const RETRY_MS_MAX = 10_000;
/** Tries of what a busy server or forge answered with 429 or 5xx, and the waits between them, ms: a minute in all; then the run says why. */
const BUSY_TRIES_MAX = 6;
const BUSY_MS_FIRST = 2_000;
const BUSY_MS_MAX = 30_000;

/**
 * A checkout whose git work is tried again: what failed because the server could not be reached until the phase's time is over,
 * what a busy server or forge refused a few times. A refusal for any other cause stays one. The attempt lives as long as its lease, and work that is done is not lost to a server that is being restarted. A push that got
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
    let busy = 0;
    for (let tries = 1; ; tries++) {
      const reply = await work();
      if (reply.kind !== "failed" || signal.aborted) return reply;
      if (reply.busy === true) {
        if (++busy >= BUSY_TRIES_MAX) return { ...reply, detail: `${reply.detail}\nTried ${busy} times.` };
        progress(`the repository's host is busy; trying again (try ${busy + 1} of ${BUSY_TRIES_MAX})`);
        await this.clock.sleep(backoffMs(busy, BUSY_MS_FIRST, BUSY_MS_MAX), signal);
      } else if (reply.unreachable === true) {
        progress("the server could not be reached for git; trying again");
        await this.clock.sleep(backoffMs(tries, RETRY_MS_FIRST, RETRY_MS_MAX), signal);
      } else return reply;
      if (signal.aborted) return reply;
    }
  }
}
