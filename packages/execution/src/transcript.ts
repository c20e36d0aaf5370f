import type { Clock } from "@windshift/base/clock.ts";
import { redact } from "@windshift/base/redact.ts";
import { truncateBytes } from "@windshift/base/truncate.ts";
import type { EventData, RunEventType } from "@windshift/contract/event.ts";
import { EVENT_BATCH_WAIT_MS, EVENT_BYTES_MAX, TRANSCRIPT_BYTES_MAX } from "@windshift/contract/limits.ts";
import type { EventOutbox } from "./event-outbox.ts";
import { type JoinedType, TextJoin } from "./text-join.ts";

type Json = EventData[string];

/** What an event holds once it is stored, roughly, beside its data, bytes: many tiny events fill a transcript too. */
const EVENT_OVERHEAD_BYTES = 100;

/**
 * Writes the events of one attempt, in the order they came: secrets hidden, long texts cut with a marker, and no more from
 * the agent than a transcript may hold; the cut is said once, in the transcript.
 */
export class Transcript {
  private readonly join = new TextJoin();
  private waking = false;
  private bytes = 0;
  private full = false;

  constructor(
    private readonly outbox: EventOutbox,
    private readonly clock: Clock,
    private readonly secrets: readonly string[],
    private readonly bytesMax = TRANSCRIPT_BYTES_MAX,
  ) {}

  /** Something the agent printed. Resolves when there is room for more. */
  async fromAgent(type: RunEventType, data: EventData): Promise<void> {
    await Promise.all([this.endText(), this.add(type, data)]);
  }

  /**
   * Text the agent printed: joined with its neighbors of the same type into one event, which leaves within
   * EVENT_BATCH_WAIT_MS. @returns what to wait for before giving more, or nothing
   */
  text(type: JoinedType, piece: string): Promise<void> | undefined {
    if (this.full || this.join.push(type, piece)) return void this.wakeLater();
    const ended = this.endText();
    this.join.push(type, piece);
    this.wakeLater();
    return ended;
  }

  /** Something the runner says itself; few and small, so never cut off, and sent at once. */
  fromRunner(type: RunEventType, data: EventData): Promise<void> {
    void this.endText();
    return this.outbox.add(type, cleanData(data, this.secrets), true);
  }

  /** Resolves when everything so far is acknowledged or abandoned. */
  async flush(): Promise<void> {
    void this.endText();
    await this.outbox.flush();
  }

  /** A reader who watches is not kept waiting for text to come together. */
  private wakeLater(): void {
    if (this.waking || this.full) return;
    this.waking = true;
    void this.clock.sleep(EVENT_BATCH_WAIT_MS).then(() => {
      this.waking = false;
      return this.endText(true);
    });
  }

  private endText(urgent = false): Promise<void> | undefined {
    const joined = this.join.take();
    return joined === undefined ? undefined : this.add(joined.type, { text: joined.text }, urgent);
  }

  private add(type: RunEventType, data: EventData, urgent = false): Promise<void> | undefined {
    if (this.full) return undefined;
    const clean = cleanData(data, this.secrets);
    this.bytes += Buffer.byteLength(JSON.stringify(clean)) + EVENT_OVERHEAD_BYTES;
    if (this.bytes <= this.bytesMax) return this.outbox.add(type, clean, urgent);
    this.full = true;
    return this.outbox.add("warning", {
      message: `the transcript ends here: the agent printed more than ${this.bytesMax} bytes; it worked on, unrecorded`,
    });
  }
}

function cleanData(data: EventData, secrets: readonly string[]): EventData {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, cleanField(value, secrets)]));
}

/** A text is cut; a structure, such as the arguments of a tool, becomes the text of its beginning when it is too large. */
function cleanField(value: Json, secrets: readonly string[]): Json {
  const clean = cleanValue(value, secrets);
  if (typeof clean !== "object") return clean;
  const text = JSON.stringify(clean);
  return Buffer.byteLength(text) > EVENT_BYTES_MAX ? truncateBytes(text, EVENT_BYTES_MAX) : clean;
}

function cleanValue(value: Json, secrets: readonly string[]): Json {
  if (typeof value === "string") return cleanText(value, secrets);
  if (Array.isArray(value)) return value.map((item) => cleanValue(item, secrets));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [cleanText(key, secrets), cleanValue(item, secrets)]),
  );
}

/** NUL cannot be stored as text by every database, and half a surrogate pair by none. */
function cleanText(text: string, secrets: readonly string[]): string {
  const whole = redact(text.toWellFormed().replaceAll("\0", "\u2400"), secrets);
  const cut = truncateBytes(whole, EVENT_BYTES_MAX);
  // Control characters grow sixfold as JSON; an event must fit into a batch whatever it is made of.
  return JSON.stringify(cut).length > 2 * EVENT_BYTES_MAX ? truncateBytes(whole, EVENT_BYTES_MAX / 6) : cut;
}
