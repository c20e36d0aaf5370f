import type { RunEvent } from "@windshift/contract/event.ts";

/** What may wait in memory for its way out, bytes; beyond it whoever adds is held up, and with it the container's output. */
export const OUTBOX_BYTES_MAX = 4 * 1_048_576;

/** An event before it has its number. */
export type NewEvent = Omit<RunEvent, "seq">;

/**
 * Where the events of one attempt wait until the server has them. Numbers them from 1, in the order of `add`, without a
 * gap. Real: memory-spool.ts and disk-spool.ts.
 */
export interface EventSpool {
  /** Number of the newest event; 0 before the first. */
  readonly lastSeq: number;
  /** The server has all events up to this one. */
  readonly ackedSeq: number;
  /** What the unacknowledged events hold as JSON, roughly, bytes. */
  readonly bytes: number;
  /** Takes one event, at once. Resolves when there is room for more. */
  add(event: NewEvent): Promise<void>;
  /**
   * The oldest unacknowledged events, at most a batch; the same ones until they are acknowledged. Empty only when there is
   * none, or after `release`.
   */
  head(): Promise<RunEvent[]>;
  /** The server has everything up to `seq`. */
  acknowledge(seq: number): void;
  /** Nobody sends these events any more: frees whoever is held up, for good. */
  release(): void;
}
