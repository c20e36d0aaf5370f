import type { Clock } from "@windshift/base/clock.ts";
import type { HeldRun } from "./control-plane.ts";

/**
 * How old a heartbeat may be that answers for a job it named, ms. With a third of a heartbeat's time the jobs of a host,
 * which began at different moments, soon share one heartbeat, and a lease is renewed 40 s after its last renewal at the latest.
 */
export const HEARTBEAT_SHARED_MS = 10_000;

/** How long a heartbeat that failed answers those who ask, ms: in an outage a host asks once a second and not once for each job. */
export const HEARTBEAT_FAILED_SHARED_MS = 1_000;

/** Sends one heartbeat for `held`. @returns those whose lease is lost; rejects when no server answered */
export type SendHeartbeat = (held: readonly HeldRun[]) => Promise<readonly HeldRun[]>;

interface Beat {
  /** Until when it answers those it names, ms. */
  untilMs: number;
  named: ReadonlySet<string>;
  /** Keys of the lost ones. */
  answer: Promise<ReadonlySet<string>>;
}

/**
 * Turns the renewals of all jobs of a host into one request at a time that names everything held, so that a host with a
 * hundred jobs asks as often as one with a single job. A heartbeat that failed answers those who ask within a second.
 */
export class SharedHeartbeat {
  private readonly held = new Map<string, HeldRun>();
  private last: Beat | undefined;

  /** @param nowMs of a clock that never goes back */
  constructor(
    private readonly send: SendHeartbeat,
    private readonly nowMs: Clock["nowMs"] = () => performance.now(),
  ) {}

  /** A job begins: the next heartbeat names it. */
  hold(job: HeldRun): void {
    this.held.set(keyOf(job), { run_id: job.run_id, attempt: job.attempt });
  }

  /** A job has ended: no heartbeat names it any more. */
  release(job: HeldRun): void {
    this.held.delete(keyOf(job));
  }

  /** For `ControlPlane.renew`. A job that nobody held is held from here on. */
  async renew(job: HeldRun): Promise<"held" | "lease_lost"> {
    const key = keyOf(job);
    this.hold(job);
    const beat = this.beatFor(key);
    if (!(await beat.answer).has(key)) return "held";
    // Nobody renews what is lost, so nobody else may be left to release it.
    this.release(job);
    return "lease_lost";
  }

  private beatFor(key: string): Beat {
    const { last } = this;
    const fresh = last !== undefined && this.nowMs() < last.untilMs;
    return fresh && last.named.has(key) ? last : this.beat();
  }

  private beat(): Beat {
    const held = [...this.held.values()];
    const answer = this.send(held).then((lost) => new Set(lost.map(keyOf)));
    const beat: Beat = {
      untilMs: this.nowMs() + HEARTBEAT_SHARED_MS,
      named: new Set(this.held.keys()),
      answer,
    };
    this.last = beat;
    answer.catch(() => {
      beat.untilMs = this.nowMs() + HEARTBEAT_FAILED_SHARED_MS;
    });
    return beat;
  }
}

function keyOf(job: HeldRun): string {
  return `${job.run_id}-${job.attempt}`;
}
