import type { FileHandle } from "node:fs/promises";
import { RunEvent } from "@windshift/contract/event.ts";
import { EVENT_BATCH_BYTES_MAX } from "@windshift/contract/limits.ts";
import { batchOf, type SpooledEvent } from "./spooled-event.ts";

/** Longest record that is read back, bytes: far over what one line of an agent becomes; what is longer is no record. */
const RECORD_BYTES_MAX = 16 * 1_048_576;
const LINE_FEED = 10;

/** An event in a file, and where its line ends there. */
export interface SpoolRecord extends SpooledEvent {
  end: number;
}

/**
 * Reads records of a JSONL file from byte `from`, at most a batch, and never beyond `to`. Stops before the first line that
 * is not whole or no event.
 */
export async function readRecords(file: FileHandle, from: number, to: number): Promise<SpoolRecord[]> {
  const longest = Math.min(to - from, RECORD_BYTES_MAX);
  for (let length = Math.min(EVENT_BATCH_BYTES_MAX, longest); length > 0; length *= 2) {
    const bytes = await readAt(file, from, Math.min(length, longest));
    const records = batchOf(parseRecords(bytes, from));
    if (records.length > 0 || length >= longest || bytes.includes(LINE_FEED)) return records;
  }
  return [];
}

/** What a file holds: whole records up to `size`; `readFrom` is where the first one after `acked` begins. */
export async function scanRecords(
  file: FileHandle,
  acked: number,
): Promise<{ size: number; readFrom: number; lastSeq: number }> {
  const { size: end } = await file.stat();
  const found = { size: 0, readFrom: 0, lastSeq: 0 };
  for (;;) {
    const records = await readRecords(file, found.size, end);
    if (records.length === 0) return found;
    for (const { event, end: after } of records) {
      if (event.seq <= found.lastSeq) return found;
      found.size = after;
      found.lastSeq = event.seq;
      if (event.seq <= acked) found.readFrom = after;
    }
  }
}

function parseRecords(bytes: Buffer, offset: number): SpoolRecord[] {
  const records: SpoolRecord[] = [];
  for (let from = 0; ; ) {
    const at = bytes.indexOf(LINE_FEED, from);
    if (at === -1) return records;
    const event = parseEvent(bytes.toString("utf8", from, at));
    if (event === undefined) return records;
    records.push({ event, bytes: at - from, end: offset + at + 1 });
    from = at + 1;
  }
}

function parseEvent(line: string): RunEvent | undefined {
  try {
    return RunEvent.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let got = 0;
  while (got < length) {
    const { bytesRead } = await file.read(buffer, got, length - got, position + got);
    if (bytesRead === 0) break;
    got += bytesRead;
  }
  return buffer.subarray(0, got);
}
