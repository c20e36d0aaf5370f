import type { RunEvent } from "@windshift/contract/event.ts";
import { type EventSpool, type NewEvent, OUTBOX_BYTES_MAX } from "./event-spool.ts";
import { batchOf, type SpooledEvent } from "./spooled-event.ts";

/** Keeps events in memory: what is unacknowledged when the process dies is lost, as is the container that made it. */
export class MemorySpool implements EventSpool {
  lastSeq = 0;
  ackedSeq = 0;
  bytes = 0;
  private readonly waiting: SpooledEvent[] = [];
  private released = false;
  private room: PromiseWithResolvers<void> | undefined;

  add(data: NewEvent): Promise<void> {
    const event: RunEvent = { seq: ++this.lastSeq, ...data };
    const bytes = Buffer.byteLength(JSON.stringify(event));
    this.waiting.push({ event, bytes });
    this.bytes += bytes;
    if (this.bytes <= OUTBOX_BYTES_MAX || this.released) return Promise.resolve();
    this.room ??= Promise.withResolvers();
    return this.room.promise;
  }

  head(): Promise<RunEvent[]> {
    return Promise.resolve(batchOf(this.waiting).map(({ event }) => event));
  }

  acknowledge(seq: number): void {
    const count = this.waiting.filter(({ event }) => event.seq <= seq).length;
    for (const { bytes } of this.waiting.splice(0, count)) this.bytes -= bytes;
    this.ackedSeq += count;
    if (this.bytes <= OUTBOX_BYTES_MAX) this.makeRoom();
  }

  release(): void {
    this.released = true;
    this.waiting.length = 0;
    this.bytes = 0;
    this.makeRoom();
  }

  private makeRoom(): void {
    this.room?.resolve();
    this.room = undefined;
  }
}
