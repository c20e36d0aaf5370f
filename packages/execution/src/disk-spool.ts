import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@windshift/base/clock.ts";
import type { RunEvent, RunEventType } from "@windshift/contract/event.ts";
import { SPOOL_BYTES_MAX } from "@windshift/contract/limits.ts";
import { type EventSpool, type NewEvent, OUTBOX_BYTES_MAX } from "./event-spool.ts";
import type { JobLog } from "./job-log.ts";
import { readProgress, type SpoolProgress, writeProgress } from "./spool-progress.ts";
import { readRecords, type SpoolRecord, scanRecords } from "./spool-records.ts";
import { batchOf, type SpooledEvent } from "./spooled-event.ts";

/** Most that is written at once, bytes. */
const WRITE_BYTES_MAX = 1_048_576;
/** A file of acknowledged events alone is emptied from this size on, bytes. */
const EMPTY_BYTES_MIN = 1_048_576;
/** Between two tries on a disk that is full or broken, ms. */
const DISK_RETRY_MS = 2_000;
/** Text as it is written: what it comes to stands in a later event, too. */
const DROPPED_TYPES: ReadonlySet<RunEventType> = new Set(["content", "tool_output"]);
const FILE_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

export interface DiskSpoolOptions {
  /** Folder of the attempt; exists. */
  dir: string;
  clock: Clock;
  log: JobLog;
  /** Unacknowledged events on disk, bytes; from there on text is dropped. */
  bytesMax?: number;
}

interface Line extends SpooledEvent {
  line: string;
}

interface SpoolFiles {
  events: FileHandle;
  progress: FileHandle;
}

/**
 * Keeps events in `events.jsonl`, one a line, and reads them back when they are sent: an outage of hours costs disk, not
 * memory, and holds up nobody. What was written outlives the process; a record that was not written whole is cut off when
 * the file is opened again. While the disk takes nothing it works from memory, and holds up whoever adds when that is full.
 */
export class DiskSpool implements EventSpool {
  /** Not in the file yet. */
  private unwritten: Line[] = [];
  private unwrittenBytes = 0;
  private working: Promise<void> | undefined;
  /** Told after each piece of work on the disk, done or failed. */
  private step = Promise.withResolvers<void>();
  private inFlight: SpoolRecord[] = [];
  private unsaved = false;
  private failing = false;
  private released = false;
  private readonly closing = new AbortController();
  private room: PromiseWithResolvers<void> | undefined;

  private constructor(
    private readonly options: DiskSpoolOptions,
    private readonly files: SpoolFiles,
    private readonly progress: SpoolProgress,
    public lastSeq: number,
    /** Bytes of whole records in the file. */
    private size: number,
    /** Where the first unacknowledged record begins, or one before it. */
    private readFrom: number,
  ) {}

  /** Opens the spool of an attempt, new or left by an earlier process. */
  static async open(options: DiskSpoolOptions): Promise<DiskSpool> {
    const path = (name: string) => join(options.dir, name);
    const events = await open(path("events.jsonl"), FILE_FLAGS, 0o600);
    const progress = await open(path("progress.json"), FILE_FLAGS, 0o600).catch(async (error) => {
      await events.close();
      throw error;
    });
    try {
      return await DiskSpool.read(options, { events, progress });
    } catch (error) {
      await Promise.all([events.close(), progress.close()]);
      throw error;
    }
  }

  private static async read(options: DiskSpoolOptions, files: SpoolFiles): Promise<DiskSpool> {
    const progress = await readProgress(files.progress);
    const { size, readFrom, lastSeq } = await scanRecords(files.events, progress.acked);
    await files.events.truncate(size);
    // Takes its room on the disk while there is some.
    await writeProgress(files.progress, progress);
    const last = Math.max(lastSeq, progress.acked);
    const spool = new DiskSpool(options, files, progress, last, size, readFrom);
    spool.tellMissing();
    return spool;
  }

  get ackedSeq(): number {
    return this.progress.acked;
  }

  get bytes(): number {
    return this.size - this.readFrom + this.unwrittenBytes;
  }

  add(data: NewEvent): Promise<void> {
    const next = this.lineOf(data);
    if (DROPPED_TYPES.has(data.type) && this.isFull(next.bytes)) return this.leaveOut(next.bytes);
    this.push(next);
    if (this.unwrittenBytes <= OUTBOX_BYTES_MAX || this.released) return Promise.resolve();
    this.room ??= Promise.withResolvers();
    return this.room.promise;
  }

  async head(): Promise<RunEvent[]> {
    while (this.ackedSeq < this.lastSeq && !this.released) {
      if (this.readFrom < this.size) {
        const events = await this.readHead();
        if (events.length > 0) return events;
      } else if (this.failing) return batchOf(this.unwritten).map(({ event }) => event);
      else await this.nextStep();
    }
    return [];
  }

  acknowledge(seq: number): void {
    const acked = Math.min(seq, this.lastSeq);
    if (acked <= this.ackedSeq) return;
    this.progress.acked = acked;
    for (const { event, end } of this.inFlight) if (event.seq <= acked) this.readFrom = end;
    this.inFlight = [];
    this.forget(acked);
    if (acked === this.lastSeq) this.readFrom = this.size;
    this.tellMissing();
    this.unsaved = true;
    this.work();
  }

  release(): void {
    this.released = true;
    this.tellStep();
    this.makeRoom();
  }

  /** Writes what is not written. Resolves when every event so far is safe from a power cut. @throws when the disk does not take it */
  async sync(): Promise<void> {
    while (this.unwritten.length > 0 && !this.failing) await this.nextStep();
    if (this.unwritten.length > 0) throw new Error(`${this.options.dir} cannot be written`);
    await this.files.events.datasync();
  }

  /** Writes what can be written, and closes the files. */
  async close(): Promise<void> {
    this.release();
    this.closing.abort();
    this.work();
    await this.working;
    await this.files.events.close();
    await this.files.progress.close();
  }

  private get bytesMax(): number {
    return this.options.bytesMax ?? SPOOL_BYTES_MAX;
  }

  /** Once text is missing, more of it is until half of the room is free: the transcript has one hole, not a hundred. */
  private isFull(bytes: number): boolean {
    return this.progress.missing_events > 0 || this.bytes + bytes > this.bytesMax;
  }

  private leaveOut(bytes: number): Promise<void> {
    this.progress.missing_events++;
    this.progress.missing_bytes += bytes;
    this.unsaved = true;
    this.work();
    return Promise.resolve();
  }

  private tellMissing(): void {
    const { missing_events: events, missing_bytes: bytes } = this.progress;
    if (events === 0 || this.bytes > this.bytesMax / 2) return;
    this.progress.missing_events = 0;
    this.progress.missing_bytes = 0;
    this.unsaved = true;
    const message = `text is missing here: ${events} events (${bytes} bytes) were dropped, because the runner could not reach the server and its spool was full`;
    const at = new Date(this.options.clock.nowMs()).toISOString();
    this.push(this.lineOf({ at, type: "warning", data: { message, events, bytes } }));
  }

  private lineOf(data: NewEvent): Line {
    const event: RunEvent = { seq: this.lastSeq + 1, ...data };
    const line = `${JSON.stringify(event)}\n`;
    return { event, line, bytes: Buffer.byteLength(line) };
  }

  private push(next: Line): void {
    this.lastSeq = next.event.seq;
    this.unwritten.push(next);
    this.unwrittenBytes += next.bytes;
    this.work();
  }

  private async readHead(): Promise<RunEvent[]> {
    const records = await readRecords(this.files.events, this.readFrom, this.size);
    if (records.length === 0) throw new Error(`${this.options.dir}/events.jsonl cannot be read back`);
    const known = records.filter(({ event }) => event.seq <= this.ackedSeq);
    this.readFrom = known.at(-1)?.end ?? this.readFrom;
    this.inFlight = records.slice(known.length);
    return this.inFlight.map(({ event }) => event);
  }

  /** Does what is to be done on the disk, one after the other, until nothing is left. */
  private work(): void {
    this.working ??= this.workOff();
  }

  private async workOff(): Promise<void> {
    // What comes in one turn is written at once.
    await Promise.resolve();
    while (this.unwritten.length > 0 || this.unsaved || this.canEmpty()) {
      const failed = await this.workOnce().then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      this.noteDisk(failed);
      this.tellStep();
      if (failed === undefined) continue;
      if (this.closing.signal.aborted) break;
      await this.options.clock.sleep(DISK_RETRY_MS, this.closing.signal);
    }
    this.working = undefined;
  }

  private async workOnce(): Promise<void> {
    const save = this.unsaved;
    this.unsaved = false;
    try {
      await this.writeUpToNow(save);
    } catch (error) {
      this.unsaved ||= save;
      throw error;
    }
    if (!this.unsaved && this.canEmpty()) await this.empty();
  }

  /** Events before the numbers that follow from them: a kill in between repeats something, and forgets nothing. */
  private async writeUpToNow(save: boolean): Promise<void> {
    const progress = { ...this.progress };
    const last = this.lastSeq;
    while ((this.unwritten[0]?.event.seq ?? Number.POSITIVE_INFINITY) <= last) await this.write();
    if (save) await writeProgress(this.files.progress, progress);
  }

  /** A full disk gets back what is no longer needed, however little. */
  private canEmpty(): boolean {
    return this.ackedSeq === this.lastSeq && this.size >= (this.failing ? 1 : EMPTY_BYTES_MIN);
  }

  private async empty(): Promise<void> {
    await this.files.events.truncate(0);
    this.size = 0;
    this.readFrom = 0;
  }

  private async write(): Promise<void> {
    const lines = this.nextLines();
    const data = Buffer.from(lines.map(({ line }) => line).join(""));
    try {
      await writeAll(this.files.events, data, this.size);
    } catch (error) {
      await this.files.events.truncate(this.size).catch(() => undefined);
      throw error;
    }
    this.size += data.length;
    this.forget(lines.at(-1)?.event.seq ?? 0);
    // The server may have taken them from memory while they were written.
    if (this.ackedSeq === this.lastSeq) this.readFrom = this.size;
  }

  private nextLines(): Line[] {
    let bytes = 0;
    const end = this.unwritten.findIndex((next) => {
      bytes += next.bytes;
      return bytes > WRITE_BYTES_MAX;
    });
    return this.unwritten.slice(0, end === -1 ? undefined : Math.max(1, end));
  }

  /** Events up to `seq` need no memory any more. */
  private forget(seq: number): void {
    const count = this.unwritten.findIndex(({ event }) => event.seq > seq);
    const gone = this.unwritten.splice(0, count === -1 ? this.unwritten.length : count);
    for (const { bytes } of gone) this.unwrittenBytes -= bytes;
    if (this.unwrittenBytes <= OUTBOX_BYTES_MAX) this.makeRoom();
  }

  private noteDisk(failed: { error: unknown } | undefined): void {
    const { dir, log } = this.options;
    if (failed === undefined && this.failing) log.info("events are written to the disk again", { dir });
    if (failed !== undefined && !this.failing)
      log.error("events cannot be written to the disk: free some of it; until then a run may have to wait", {
        dir,
        error: failed.error,
      });
    this.failing = failed !== undefined;
  }

  private nextStep(): Promise<void> {
    this.work();
    return this.step.promise;
  }

  private tellStep(): void {
    this.step.resolve();
    this.step = Promise.withResolvers();
  }

  private makeRoom(): void {
    this.room?.resolve();
    this.room = undefined;
  }
}

async function writeAll(file: FileHandle, data: Buffer, position: number): Promise<void> {
  for (let done = 0; done < data.length; ) {
    const { bytesWritten } = await file.write(data, done, data.length - done, position + done);
    done += bytesWritten;
  }
}
