import type { AttemptResult } from "@windshift/contract/job.ts";
import type { HeldRun } from "./control-plane.ts";
import type { EventSpool } from "./event-spool.ts";
import { MemorySpool } from "./memory-spool.ts";

/** Where what one attempt has to say waits for the server. */
export interface AttemptSpool {
  readonly events: EventSpool;
  /** Keeps the result so that it outlives this process; resolves when it does. Never rejects: a result that cannot be kept is only told. */
  keepResult(result: AttemptResult): Promise<void>;
  /** Ends the attempt: `keep` leaves what is undelivered for later, else all of it is removed. Never rejects. */
  end(keep: boolean): Promise<void>;
}

/** Opens the spool of a job. Never rejects. Real: disk-attempt-spools.ts; MEMORY_SPOOLS where nothing outlives the process anyway. */
export interface AttemptSpools {
  open(job: HeldRun): Promise<AttemptSpool>;
}

export const MEMORY_SPOOLS: AttemptSpools = { open: async () => memoryAttempt() };

/** A spool that ends with its process: what it holds is told to the server, or lost. */
export function memoryAttempt(): AttemptSpool {
  const nothing = () => Promise.resolve();
  return { events: new MemorySpool(), keepResult: nothing, end: nothing };
}
