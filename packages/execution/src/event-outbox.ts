import type { Clock } from "@windshift/base/clock.ts";
import { turn } from "@windshift/base/turn.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { EventData, RunEvent, RunEventType } from "@windshift/contract/event.ts";
import { EVENT_BATCH_BYTES_MAX, EVENT_BATCH_MAX, EVENT_BATCH_WAIT_MS } from "@windshift/contract/limits.ts";
import type { WriteReply } from "./control-plane.ts";
import { within } from "./deadline.ts";
import type { EventSpool } from "./event-spool.ts";
import type { JobLog } from "./job-log.ts";
import { retryWaitMs } from "./retry-wait.ts";

/** Time for one batch to be acknowledged, ms. */
const APPEND_MS_MAX = 30_000;
const RETRY_MS_FIRST = 250;
const RETRY_MS_MAX = 15_000;

export interface OutboxOptions {
  spool: EventSpool;
  append: (events: readonly RunEvent[]) => Promise<WriteReply>;
  clock: Clock;
  log: JobLog;
  onLeaseLost: () => void;
  /** Failures in a row after which it gives up; without limit unless set. */
  triesMax?: number;
}

/**
 * Why an outbox carries no more events: its owner abandoned it, the attempt is no longer the live one, the server holds
 * other events under the same numbers or none where it had confirmed some, it takes no more of this attempt, or `triesMax` was
 * reached.
 */
export type OutboxEnd = "abandoned" | "lease_lost" | "conflict" | "set_back" | "refused" | "unreachable";

/**
 * Carries the events of one attempt from its spool to the server, in order and in batches, each sent again until it is
 * acknowledged: at least once, never with a gap.
 */
export class EventOutbox {
  private sending: Promise<void> | undefined;
  private hurry = new AbortController();
  private readonly over = new AbortController();
  private why: OutboxEnd | null = null;
  private failure: unknown;

  constructor(private readonly options: OutboxOptions) {}

  /** Null while it carries events. */
  get end(): OutboxEnd | null {
    return this.why;
  }

  /** What the last try failed with, that the server told or that befell it on the way; undefined before the first failure. */
  get lastFailure(): unknown {
    return this.failure;
  }

  /** Takes one event; resolves when there is room for more. Once it has ended events are dropped. */
  async add(type: RunEventType, data: EventData, urgent = false): Promise<void> {
    if (this.why !== null) return;
    const at = new Date(this.options.clock.nowMs()).toISOString();
    const room = this.options.spool.add({ at, type, data });
    if (urgent || this.isFull()) this.hurry.abort();
    this.sending ??= this.send();
    await room;
  }

  /** Resolves when everything added so far is acknowledged, or it has ended. */
  async flush(): Promise<void> {
    this.hurry.abort();
    if (this.count > 0) this.sending ??= this.send();
    await this.sending;
  }

  /** Frees whoever is held up: nobody is to carry these events any more. */
  abandon(): void {
    this.finish("abandoned");
  }

  /** Abandons what is left. Resolves when the spool is no longer used. */
  async close(): Promise<void> {
    this.abandon();
    await this.sending;
  }

  private get count(): number {
    return this.options.spool.lastSeq - this.options.spool.ackedSeq;
  }

  private isFull(): boolean {
    return this.count >= EVENT_BATCH_MAX || this.options.spool.bytes >= EVENT_BATCH_BYTES_MAX;
  }

  private async send(): Promise<void> {
    const { clock } = this.options;
    for (let tries = 0; this.count > 0 && this.why === null; ) {
      if (!this.isFull()) await clock.sleep(EVENT_BATCH_WAIT_MS, this.hurry.signal);
      this.hurry = new AbortController();
      if (await this.sendBatch(tries)) tries = 0;
      else if (this.why === null) await this.pause(++tries);
      // A server in this process answers without one: a flood would keep it from everybody else.
      await turn();
    }
    this.sending = undefined;
  }

  private async pause(tries: number): Promise<void> {
    const { clock, triesMax = Number.POSITIVE_INFINITY } = this.options;
    if (tries >= triesMax) this.finish("unreachable");
    else await clock.sleep(retryWaitMs(this.failure, tries, RETRY_MS_FIRST, RETRY_MS_MAX), this.over.signal);
  }

  /** @returns whether the server took some of it */
  private async sendBatch(tries: number): Promise<boolean> {
    const { spool, log } = this.options;
    try {
      const batch = await spool.head();
      if (batch.length === 0) return true;
      const reply = await this.append(batch);
      if (reply.kind === "lease_lost") {
        this.finish("lease_lost");
        return false;
      }
      const { ackedSeq } = reply;
      const took = ackedSeq > spool.ackedSeq;
      if (took) spool.acknowledge(ackedSeq);
      else if (ackedSeq < spool.ackedSeq) this.setBack(ackedSeq);
      else log.warn("the server took no event of a batch; sending it again", { ackedSeq });
      return took;
    } catch (error) {
      this.failure = error;
      this.note(error, tries + 1);
      return false;
    }
  }

  /** One try; of a batch that the server will never take, each event has a try of its own. */
  private async append(batch: readonly RunEvent[]): Promise<WriteReply> {
    try {
      return await this.deliver(batch);
    } catch (error) {
      if (!isRefusal(error) || this.over.signal.aborted) throw error;
      return await this.appendEach(batch);
    }
  }

  /** Replaces what is refused alone, and nothing else. What was taken before another failure is not lost again. */
  private async appendEach(batch: readonly RunEvent[]): Promise<WriteReply> {
    let reply: WriteReply | undefined;
    for (const event of batch) {
      try {
        reply = await this.appendOne(event);
      } catch (error) {
        if (reply === undefined) throw error;
        break;
      }
      if (reply.kind === "lease_lost" || reply.ackedSeq < event.seq) break;
    }
    return reply ?? this.deliver(batch);
  }

  private async appendOne(event: RunEvent): Promise<WriteReply> {
    try {
      return await this.deliver([event]);
    } catch (error) {
      if (!isRefusal(error) || this.over.signal.aborted) throw error;
      const { seq, type } = event;
      this.options.log.warn("an event was refused; the transcript says so in its place", {
        seq,
        type,
        error,
      });
      return await this.deliverInstead(refused(event));
    }
  }

  /** A few words in an event's place. Should they be too much as well, the server takes no more of this attempt. */
  private async deliverInstead(event: RunEvent): Promise<WriteReply> {
    try {
      return await this.deliver([event]);
    } catch (error) {
      if (isRefusal(error) && this.why === null) {
        this.options.log.error("the server takes no more events of this attempt; its transcript ends here", {
          error,
        });
        this.finish("refused");
      }
      throw error;
    }
  }

  private deliver(events: readonly RunEvent[]): Promise<WriteReply> {
    const { clock, append } = this.options;
    return within(clock, APPEND_MS_MAX, append(events), this.over.signal);
  }

  /** What it confirmed is no longer here to be sent again. */
  private setBack(ackedSeq: number): void {
    this.options.log.error(
      "the server has fewer events of this attempt than it had confirmed: it was set back to an earlier state, such as a backup. The transcript ends here, the job goes on",
      { ackedSeq, confirmed: this.options.spool.ackedSeq },
    );
    this.finish("set_back");
  }

  private note(error: unknown, tries: number): void {
    const { log } = this.options;
    if (this.why !== null) return;
    if (hasCode(error, "lease_lost", "superseded")) this.finish("lease_lost");
    else if (hasCode(error, "conflict")) {
      log.error("the server holds other events of this attempt; its transcript ends here", { error });
      this.finish("conflict");
    } else log.warn("events could not be delivered; trying again", { tries, error });
  }

  private finish(why: OutboxEnd): void {
    if (this.why !== null) return;
    this.why = why;
    this.over.abort();
    this.hurry.abort();
    this.options.spool.release();
    if (why === "lease_lost") this.options.onLeaseLost();
  }
}

function hasCode(error: unknown, ...codes: AppError["code"][]): boolean {
  return error instanceof AppError && codes.includes(error.code);
}

/** The server read the batch and will never take it as it is. */
function isRefusal(error: unknown): boolean {
  return hasCode(error, "invalid_input", "too_large");
}

/** Stands in for an event the server refuses, under the same number: a reader sees that something is missing. */
function refused(event: RunEvent): RunEvent {
  return {
    ...event,
    type: "warning",
    data: { message: `an event of type ${event.type} was refused by the server and is missing here` },
  };
}
