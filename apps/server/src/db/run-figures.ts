import type { RunReason, RunStatus } from "@windshift/contract/run.ts";

/** Told of what is worth counting, once it is committed. */
export interface RunFigures {
  /** Also of one that is parked as `waiting`. */
  runEnded(status: RunStatus, reason: RunReason | null, run: number): void;
  eventsAppended(count: number): void;
}
