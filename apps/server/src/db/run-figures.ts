import type { RunReason, RunStatus } from "@windshift/contract/run.ts";

/** Told of what is worth counting, once it is committed. */
export interface RunFigures {
  runEnded(status: RunStatus, reason: RunReason | null): void;
  eventsAppended(count: number): void;
}
