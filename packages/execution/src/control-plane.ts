import type { RunEvent } from "@windshift/contract/event.ts";
import type { AttemptNotice, AttemptResult, JobSpec } from "@windshift/contract/job.ts";

/** The answer to a write of an attempt: taken (and durable), or refused because the attempt is no longer the live one. */
export type WriteReply = { kind: "accepted"; ackedSeq: number } | { kind: "lease_lost" };

/**
 * What a job needs of the server. In the server's own process it is plugged in directly; a runner host speaks HTTP.
 * Every write is for one `(run, attempt)`; a stale one is answered `lease_lost` and changes nothing.
 */
export interface ControlPlane {
  /** Renews the lease. */
  renew(job: JobSpec): Promise<"held" | "lease_lost">;
  /**
   * Stores events; resolves when they are durable. Sending the same `seq` again is harmless.
   * Rejects when the server could not be reached: the caller keeps the events and tries again.
   */
  append(job: JobSpec, events: readonly RunEvent[]): Promise<WriteReply>;
  /** Yields what a person or the sweep wants of this attempt, at once; ends when `signal` aborts or the attempt ends. */
  notices(job: JobSpec, signal: AbortSignal): AsyncIterable<AttemptNotice>;
  /** The last word. The same result twice is one outcome. */
  report(job: JobSpec, result: AttemptResult): Promise<"accepted" | "lease_lost">;
}
