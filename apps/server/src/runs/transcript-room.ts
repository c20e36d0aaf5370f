import { AppError } from "@windshift/contract/app-error.ts";
import { ATTEMPT_EVENT_BYTES_MAX, ATTEMPT_EVENTS_MAX } from "@windshift/contract/limits.ts";
import { sql } from "kysely";
import { afterCommit } from "../db/after-commit.ts";
import type { Database, Queries } from "../db/database.ts";

/** What one attempt may store. */
export interface TranscriptRoom {
  events: number;
  /** Of their data, as stored. */
  bytes: number;
}

export const ATTEMPT_ROOM: TranscriptRoom = { events: ATTEMPT_EVENTS_MAX, bytes: ATTEMPT_EVENT_BYTES_MAX };
/** Attempts whose bytes are remembered, the newest; those of another are read again when it sends. */
const REMEMBERED_MAX = 1_000;

/** How many bytes an attempt stored up to an event. */
interface Filled {
  seq: number;
  bytes: number;
}

const remembered = new WeakMap<Database, Map<string, Filled>>();

/**
 * Refuses events for which a locked attempt has no room. A runner cuts an agent's transcript well before, so only one that is
 * not ours gets there. What this server stored itself it knows; what others did it reads, each event once.
 * @param stored number of the last event that is stored
 * @param data of the new events, as they are to be stored
 * @throws AppError `too_large`
 */
export async function takeRoom(
  database: Database,
  tx: Queries,
  of: { run: number; attempt: number; stored: number },
  data: readonly string[],
  room: TranscriptRoom = ATTEMPT_ROOM,
): Promise<void> {
  const seq = of.stored + data.length;
  if (seq > room.events) throw full(of.attempt, `${room.events} events`);
  const before = await filledBytes(database, tx, of);
  const bytes = data.reduce((sum, text) => sum + Buffer.byteLength(text), before);
  if (bytes > room.bytes) throw full(of.attempt, `${room.bytes} bytes`);
  afterCommit(tx, () => remember(database, of, { seq, bytes }));
}

function full(attempt: number, most: string): AppError {
  return new AppError(
    "too_large",
    `attempt ${attempt} may store ${most} in its transcript; nothing of the batch was taken, and no more will be`,
  );
}

async function filledBytes(
  database: Database,
  tx: Queries,
  { run, attempt, stored }: { run: number; attempt: number; stored: number },
): Promise<number> {
  const found = remembered.get(database)?.get(`${run}/${attempt}`);
  // A database that was set back has fewer than are remembered.
  const known = found !== undefined && found.seq <= stored ? found : { seq: 0, bytes: 0 };
  if (known.seq === stored) return known.bytes;
  const { bytes } = await tx
    .selectFrom("run_events")
    .select(sql<number>`coalesce(sum(octet_length(data)), 0)`.as("bytes"))
    .where("run_id", "=", run)
    .where("attempt", "=", attempt)
    .where("seq", ">", known.seq)
    .executeTakeFirstOrThrow();
  return known.bytes + bytes;
}

function remember(database: Database, { run, attempt }: { run: number; attempt: number }, filled: Filled) {
  const all = remembered.get(database) ?? new Map<string, Filled>();
  remembered.set(database, all);
  const key = `${run}/${attempt}`;
  all.delete(key);
  all.set(key, filled);
  const [oldest] = all.keys();
  if (all.size > REMEMBERED_MAX && oldest !== undefined) all.delete(oldest);
}
