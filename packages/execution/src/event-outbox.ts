import { backoffMs } from "@windshift/base/backoff.ts";
import type { Clock } from "@windshift/base/clock.ts";
import { turn } from "@windshift/base/turn.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { EventData, RunEvent, RunEventType } from "@windshift/contract/event.ts";
import { EVENT_BATCH_BYTES_MAX, EVENT_BATCH_MAX, EVENT_BATCH_WAIT_MS } from "@windshift/contract/limits.ts";
import type { WriteReply } from "./control-plane.ts";
import { within } from "./deadline.ts";
import type { JobLog } from "./job-log.ts";

/** What may wait here for the server, bytes; beyond it whoever adds is held up, and with it the container's output. */
export const OUTBOX_BYTES_MAX = 4 * 1_048_576;
/** Time for one batch to be acknowledged, ms. */
const APPEND_MS_MAX = 30_000;
const RETRY_MS_FIRST = 250;
const RETRY_MS_MAX = 15_000;

export interface OutboxOptions {
  append: (events: readonly RunEvent[]) => Promise<WriteReply>;
  clock: Clock;
  log: JobLog;
  onLeaseLost: () => void;
}

interface Waiting {
  event: RunEvent;
  bytes: number;
}

/**
 * Numbers the events of one attempt and carries them to the server in order, in batches, each sent again until it is
 * acknowledged: at least once, never with a gap. Kept in memory; what is unacknowledged when the process dies is lost.
 */
export class EventOutbox {
  private readonly waiting: Waiting[] = [];
  private bytes = 0;
  private seq = 0;
  private sending: Promise<void> | undefined;
  private hurry = new AbortController();
  private readonly abandoned = new AbortController();
  private room: PromiseWithResolvers<void> | undefined;

  constructor(private readonly options: OutboxOptions) {}

  /**
   * Takes one event. Resolves at once while there is room, else when there is some again. After `abandon` or a lost
   * lease events are dropped.
   */
  async add(type: RunEventType, data: EventData, urgent = false): Promise<void> {
    if (this.abandoned.signal.aborted) return;
    const at = new Date(this.options.clock.nowMs()).toISOString();
    const event: RunEvent = { seq: ++this.seq, at, type, data };
    const bytes = Buffer.byteLength(JSON.stringify(event));
    this.waiting.push({ event, bytes });
    this.bytes += bytes;
    if (urgent || this.isFull()) this.hurry.abort();
    this.sending ??= this.send();
    if (this.bytes <= OUTBOX_BYTES_MAX) return;
    this.room ??= Promise.withResolvers();
    await this.room.promise;
  }

  /** Resolves when everything added so far is acknowledged or abandoned. */
  async flush(): Promise<void> {
    this.hurry.abort();
    await this.sending;
  }

  /** Drops what waits and frees whoever is held up: nobody wants these events any more. */
  abandon(): void {
    this.abandoned.abort();
    this.hurry.abort();
    this.drop(this.waiting.length);
  }

  private isFull(): boolean {
    return this.waiting.length >= EVENT_BATCH_MAX || this.bytes >= EVENT_BATCH_BYTES_MAX;
  }

  private async send(): Promise<void> {
    while (this.waiting.length > 0) {
      if (!this.isFull()) await this.options.clock.sleep(EVENT_BATCH_WAIT_MS, this.hurry.signal);
      this.hurry = new AbortController();
      const batch = this.batch();
      if (batch.length > 0) await this.deliver(batch);
      // A server in this process answers without one: a flood would keep it from everybody else.
      await turn();
    }
    this.sending = undefined;
  }

  private batch(): RunEvent[] {
    const events: RunEvent[] = [];
    let bytes = 0;
    for (const { event, bytes: size } of this.waiting) {
      bytes += size;
      if (events.length === EVENT_BATCH_MAX || (events.length > 0 && bytes > EVENT_BATCH_BYTES_MAX)) break;
      events.push(event);
    }
    return events;
  }

  /** Sends one batch until it is taken, wholly or in part. */
  private async deliver(batch: RunEvent[]): Promise<void> {
    const { clock, log } = this.options;
    const signal = this.abandoned.signal;
    let events = batch;
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        const reply = await within(clock, APPEND_MS_MAX, this.options.append(events), signal);
        if (reply.kind === "lease_lost") return this.loseLease();
        const acked = events.filter((event) => event.seq <= reply.ackedSeq).length;
        if (acked > 0) return this.drop(acked);
        log.warn("the server took no event of a batch; sending it again", { ackedSeq: reply.ackedSeq });
      } catch (error) {
        if (signal.aborted) return;
        if (isRefusal(error)) events = events.map(refused);
        log.warn("events could not be delivered; trying again", { tries, error });
      }
      await clock.sleep(backoffMs(tries, RETRY_MS_FIRST, RETRY_MS_MAX), signal);
    }
  }

  private loseLease(): void {
    this.abandon();
    this.options.onLeaseLost();
  }

  private drop(count: number): void {
    for (const { bytes } of this.waiting.splice(0, count)) this.bytes -= bytes;
    if (this.bytes > OUTBOX_BYTES_MAX) return;
    this.room?.resolve();
    this.room = undefined;
  }
}

/** The server read the batch and will never take it as it is. */
function isRefusal(error: unknown): boolean {
  return error instanceof AppError && (error.code === "invalid_input" || error.code === "too_large");
}

/** Stands in for an event the server refuses, under the same number: a reader sees that something is missing. */
function refused(event: RunEvent): RunEvent {
  return {
    ...event,
    type: "warning",
    data: { message: `an event of type ${event.type} was refused by the server and is missing here` },
  };
}
