import type { RunEvent } from "@windshift/contract/event.ts";
import type { AttemptNotice, AttemptResult, JobSpec } from "@windshift/contract/job.ts";

/** The answer to a write of an attempt: taken (and durable), or refused because the attempt is no longer the live one. */
export type WriteReply = { kind: "accepted"; ackedSeq: number } | { kind: "lease_lost" };

/** What names an attempt: all that is left of a job in a spool, where no token may lie. */
export type HeldRun = Pick<JobSpec, "run_id" | "attempt" | "traceparent">;

/**
 * What a job needs of the server. In the server's own process it is plugged in directly; a runner host speaks HTTP.
 * Every write is for one `(run, attempt)`; a stale one is answered `lease_lost` and changes nothing.
 */
export interface ControlPlane {
  /**
   * Renews the lease. Rejects when no server answered; `lease_lost` is an answer.
   *
   * Every job asks for itself, each HEARTBEAT_INTERVAL_MS. A host sends one heartbeat for all it holds instead: its control
   * plane lets SharedHeartbeat answer, which asks once for all and gives each of them its part of the answer.
   */
  renew(job: JobSpec): Promise<"held" | "lease_lost">;
  /**
   * Stores events; resolves when they are durable. Sending the same `seq` again is harmless.
   * Rejects when the server could not be reached: the caller keeps the events and tries again. With AppError `conflict` when
   * it holds other events under these numbers: the caller gives up on the transcript.
   */
  append(job: HeldRun, events: readonly RunEvent[]): Promise<WriteReply>;
  /** Yields what a person or the sweep wants of this attempt, at once; ends when `signal` aborts or the attempt ends. */
  notices(job: JobSpec, signal: AbortSignal): AsyncIterable<AttemptNotice>;
  /** The last word. The same result twice is one outcome. */
  report(job: HeldRun, result: AttemptResult): Promise<"accepted" | "lease_lost">;
}
