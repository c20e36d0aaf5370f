import type { RunEvent } from "@windshift/contract/event.ts";
import { EVENT_BATCH_BYTES_MAX, EVENT_BATCH_MAX } from "@windshift/contract/limits.ts";

/** An event that waits, and what it holds as JSON, bytes. */
export interface SpooledEvent {
  event: RunEvent;
  bytes: number;
}

/** As many of the first events as one batch may hold; always one, if there is any. */
export function batchOf<T extends SpooledEvent>(waiting: readonly T[]): T[] {
  let bytes = 0;
  let count = 0;
  for (const next of waiting) {
    bytes += next.bytes;
    if (count === EVENT_BATCH_MAX || (count > 0 && bytes > EVENT_BATCH_BYTES_MAX)) break;
    count++;
  }
  return waiting.slice(0, count);
}
