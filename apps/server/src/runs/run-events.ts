import { AppError } from "@windshift/contract/app-error.ts";
import type { RunEvent, StoredEvent } from "@windshift/contract/event.ts";
import { MessageId } from "@windshift/contract/ids.ts";
import { EVENT_PAGE_BYTES_MAX } from "@windshift/contract/limits.ts";
import { RunPhase } from "@windshift/contract/run.ts";
import { afterCommit } from "../db/after-commit.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { beginPhase } from "./run-attempts.ts";
import { lockLiveAttempt } from "./run-fence.ts";
import { acknowledgeMessage } from "./run-messages.ts";
import { type TranscriptRoom, takeRoom } from "./transcript-room.ts";

export type AppendReply = { kind: "accepted"; ackedSeq: number } | { kind: "lease_lost" };

/**
 * Stores events of the live attempt, exactly once and without gaps: what is already stored is skipped, what comes after
 * a gap is left out. Durable when it resolves.
 * @returns the last `seq` stored, so that the sender knows where to go on
 * @param room what the attempt may store, for tests
 * @throws AppError `conflict` when an event that is stored comes again with another content, `too_large` when the attempt has no
 *   room for them: nothing is stored then
 */
export async function appendEvents(
  database: Database,
  runId: number,
  attempt: number,
  events: readonly RunEvent[],
  room?: TranscriptRoom,
): Promise<AppendReply> {
  const reply = await database.transaction(async (tx): Promise<AppendReply> => {
    const run = await lockLiveAttempt(database, tx, runId, attempt);
    if (run === undefined) return { kind: "lease_lost" };
    const stored = await lastSeq(tx, runId, attempt);
    await requireSame(
      tx,
      runId,
      attempt,
      events.filter((event) => event.seq <= stored),
    );
    const fresh = takeGapless(events, stored);
    if (fresh.length > 0) {
      const data = fresh.map((event) => JSON.stringify(event.data));
      await takeRoom(database, tx, { run: runId, attempt, stored }, data, room);
      afterCommit(tx, () => database.figures?.eventsAppended(fresh.length));
      await insertEvents(database, tx, { run: runId, attempt }, fresh, data);
      await applyLifecycle(database, tx, runId, attempt, fresh);
    }
    return { kind: "accepted", ackedSeq: stored + fresh.length };
  });
  if (reply.kind === "accepted") await database.signals.notify(`run:${runId}`);
  return reply;
}

async function lastSeq(tx: Queries, run: number, attempt: number): Promise<number> {
  const row = await tx
    .selectFrom("run_events")
    .select((eb) => eb.fn.max("seq").as("seq"))
    .where("run_id", "=", run)
    .where("attempt", "=", attempt)
    .where("seq", ">", 0)
    .executeTakeFirst();
  return row?.seq ?? 0;
}

/** What was sent twice has to be the same; two senders of one attempt would mix their stories. */
async function requireSame(
  tx: Queries,
  run: number,
  attempt: number,
  repeated: readonly RunEvent[],
): Promise<void> {
  if (repeated.length === 0) return;
  const rows = await tx
    .selectFrom("run_events")
    .select(["seq", "type", "at", "data"])
    .where("run_id", "=", run)
    .where("attempt", "=", attempt)
    .where(
      "seq",
      "in",
      repeated.map(({ seq }) => seq),
    )
    .execute();
  const stored = new Map(rows.map((row) => [row.seq, row]));
  for (const { seq, type, at, data } of repeated) {
    const row = stored.get(seq);
    if (row !== undefined && row.type === type && row.at === at && row.data === JSON.stringify(data))
      continue;
    throw new AppError(
      "conflict",
      `event ${seq} of attempt ${attempt} is stored with another content; nothing of the batch was taken`,
    );
  }
}

function takeGapless(events: readonly RunEvent[], stored: number): RunEvent[] {
  const fresh: RunEvent[] = [];
  for (const event of [...events].sort((a, b) => a.seq - b.seq)) {
    if (event.seq === stored + fresh.length + 1) fresh.push(event);
  }
  return fresh;
}

async function insertEvents(
  database: Database,
  tx: Queries,
  { run, attempt }: { run: number; attempt: number },
  events: readonly RunEvent[],
  data: readonly string[],
): Promise<void> {
  const rows = events.map((event, at) => ({
    run_id: run,
    attempt,
    seq: event.seq,
    type: event.type,
    at: event.at,
    data: data[at] as string,
    stored_at_ms: dbNowMs(database.engine),
  }));
  await tx.insertInto("run_events").values(rows).execute();
}

/** Phases and receipts are told as events, so that the transcript and the run's state cannot disagree. */
async function applyLifecycle(
  database: Database,
  tx: Queries,
  run: number,
  attempt: number,
  events: readonly RunEvent[],
): Promise<void> {
  for (const event of events) {
    if (event.type === "message") await keepPlan(tx, run, attempt, event);
    if (event.type !== "lifecycle") continue;
    const phase = RunPhase.exclude(["publishing", "claimed"]).safeParse(event.data.phase);
    if (phase.success) {
      await tx
        .updateTable("runs")
        .set({ phase: phase.data })
        .where("id", "=", run)
        .where("attempt", "=", attempt)
        .execute();
      await beginPhase(database, tx, { run, attempt, phase: phase.data });
    }
    const message = MessageId.safeParse(event.data.note === "received" ? Number(event.data.id) : undefined);
    if (message.success) await acknowledgeMessage(tx, run, message.data);
  }
}

/** What an agent says in the role `plan` stands on the run, until it says another. */
async function keepPlan(tx: Queries, run: number, attempt: number, { data }: RunEvent): Promise<void> {
  if (data.role !== "plan" || typeof data.text !== "string") return;
  await tx
    .updateTable("runs")
    .set({ plan: data.text.replaceAll("\0", "\ufffd") })
    .where("id", "=", run)
    .where("attempt", "=", attempt)
    .execute();
}

/**
 * The next page of a run's transcript, over all attempts.
 * @param after id of the last event the reader has; 0 from the start
 */
export async function listEvents(
  db: Queries,
  run: number,
  after: number,
  limit: number,
): Promise<StoredEvent[]> {
  const rows = await db
    .selectFrom("run_events")
    .select(["id", "attempt", "seq", "at", "type", "data"])
    .where("run_id", "=", run)
    .where("id", ">", after)
    .orderBy("id")
    .limit(limit)
    .execute();
  return rows.map(toStored);
}

/** The same, cut to what a client can hold at ease. */
export async function readEventPage(
  db: Queries,
  run: number,
  after: number,
  limit: number,
): Promise<StoredEvent[]> {
  return cutToPage(await listEvents(db, run, after, limit));
}

/** So many of the first events as fit into one answer; at least one, so that a reader always gets on. */
export function cutToPage(events: readonly StoredEvent[]): StoredEvent[] {
  let bytes = 0;
  const over = events.findIndex((event) => {
    bytes += JSON.stringify(event.data).length;
    return bytes > EVENT_PAGE_BYTES_MAX;
  });
  return over === -1 ? [...events] : events.slice(0, Math.max(1, over));
}

/**
 * One whose text is damaged in the database is a warning in its place: it must not hide those beside it. What is left of the text goes
 * along, so that it outlives the row in an archive, too.
 */
export function toStored(
  row: Pick<Row<"run_events">, "id" | "attempt" | "seq" | "at" | "type" | "data">,
): StoredEvent {
  try {
    return { ...row, type: row.type as StoredEvent["type"], data: JSON.parse(row.data) };
  } catch {
    return { ...row, type: "warning", data: { message: DAMAGED, stored: row.data } };
  }
}

const DAMAGED =
  "This event is damaged in the database; those before and after it are not. An administrator should check the disk and the latest backup.";
