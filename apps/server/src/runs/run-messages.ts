import type { MessageId } from "@windshift/contract/ids.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";

/**
 * `trigger`: what would have started a run had one not been active. `steer`: written to the agent on purpose. `outside`: written
 * on a forge by somebody who is nobody here; its body says who, and its author is the member who stands for them.
 */
export type MessageKind = "trigger" | "steer" | "outside";
/** On its way → handed to the agent's process → before the model: the agent says so, or it is in the attempt's prompt. */
export type MessageStatus = "queued" | "delivered" | "acknowledged";

export interface RunMessage {
  id: MessageId;
  author: string;
  kind: MessageKind;
  body: string;
  status: MessageStatus;
  created_at_ms: number;
}

export async function addMessage(
  database: Database,
  tx: Queries,
  message: { run: number; author: string; kind: MessageKind; body: string },
): Promise<MessageId> {
  const { id } = await tx
    .insertInto("run_messages")
    .values({
      run_id: message.run,
      author_id: message.author,
      kind: message.kind,
      body: message.body,
      status: "queued",
      created_at_ms: dbNowMs(database.engine),
    })
    .returning("id")
    .executeTakeFirstOrThrow();
  return id as MessageId;
}

/** Oldest first, with the author's name. */
export async function listMessages(db: Queries, run: number): Promise<RunMessage[]> {
  return (await listMessagesOf(db, [run])).get(run) ?? [];
}

/** The same of several runs; those without messages are not in it. */
export async function listMessagesOf(
  db: Queries,
  runs: readonly number[],
): Promise<Map<number, RunMessage[]>> {
  const rows = await db
    .selectFrom("run_messages")
    .innerJoin("user", "user.id", "run_messages.author_id")
    .select([
      "run_messages.id",
      "run_messages.run_id",
      "user.name as author",
      "run_messages.kind",
      "body",
      "status",
      "created_at_ms",
    ])
    .where("run_id", "in", runs)
    .orderBy("run_messages.id")
    .execute();
  const byRun = Map.groupBy(rows, ({ run_id }) => run_id);
  return new Map(
    [...byRun].map(([run, found]) => [
      run,
      found.map(({ run_id: _, ...row }) => ({
        ...row,
        id: row.id as MessageId,
        kind: row.kind as MessageKind,
        status: row.status as MessageStatus,
      })),
    ]),
  );
}

/** Marks the queued messages of a run as delivered to the agent's process and gives them, oldest first. */
export async function takeQueuedMessages(
  db: Queries,
  run: number,
): Promise<{ id: MessageId; body: string }[]> {
  const rows = await db
    .updateTable("run_messages")
    .set({ status: "delivered" })
    .where("run_id", "=", run)
    .where("status", "=", "queued")
    .returning(["id", "body"])
    .execute();
  return rows.sort((a, b) => a.id - b.id).map((row) => ({ id: row.id as MessageId, body: row.body }));
}

/**
 * What the agents of runs on a host have not been given, oldest first; marks it as delivered. What was delivered in an answer that
 * got lost comes again, until the host says that it has it.
 * @param held runs, each with the newest message its host has
 */
export async function messagesAfter(
  db: Queries,
  held: readonly { run: number; after_message: number }[],
): Promise<Map<number, { id: MessageId; body: string }[]>> {
  const after = new Map(held.map(({ run, after_message }) => [run, after_message]));
  const rows = await db
    .selectFrom("run_messages")
    .select(["id", "run_id", "body", "status"])
    .where("run_id", "in", [...after.keys()])
    .where("status", "!=", "acknowledged")
    .orderBy("id")
    .execute();
  const fresh = rows.filter(({ id, run_id }) => id > (after.get(run_id) ?? 0));
  for (const run of new Set(fresh.filter(({ status }) => status === "queued").map(({ run_id }) => run_id)))
    await takeQueuedMessages(db, run);
  const byRun = Map.groupBy(fresh, ({ run_id }) => run_id);
  return new Map(
    [...byRun].map(([run, found]) => [run, found.map(({ id, body }) => ({ id: id as MessageId, body }))]),
  );
}

export async function acknowledgeMessage(db: Queries, run: number, id: number): Promise<void> {
  await db
    .updateTable("run_messages")
    .set({ status: "acknowledged" })
    .where("id", "=", id)
    .where("run_id", "=", run)
    .where("status", "=", "delivered")
    .execute();
}

/** These messages were put into the prompt of an attempt that starts now. */
export async function acknowledgeMessages(db: Queries, ids: readonly MessageId[]): Promise<void> {
  if (ids.length === 0) return;
  await db.updateTable("run_messages").set({ status: "acknowledged" }).where("id", "in", ids).execute();
}

/** Who wrote last of what the agent has not acknowledged; undefined when it has all. */
export async function findUnreadAuthor(db: Queries, run: number): Promise<string | undefined> {
  const row = await db
    .selectFrom("run_messages")
    .select("author_id")
    .where("run_id", "=", run)
    .where("status", "!=", "acknowledged")
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  return row?.author_id;
}

/** Whether a comment on its pull request is among what the agent has not acknowledged. */
export async function isCalledFromForge(db: Queries, run: number): Promise<boolean> {
  const row = await db
    .selectFrom("run_messages")
    .innerJoin("forge_comments", "forge_comments.message_id", "run_messages.id")
    .select("run_messages.id")
    .where("run_messages.run_id", "=", run)
    .where("run_messages.status", "!=", "acknowledged")
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Hands messages the agent has not acknowledged over to the run that follows. */
export async function moveUnreadMessages(db: Queries, from: number, to: number): Promise<void> {
  await db
    .updateTable("run_messages")
    .set({ run_id: to, status: "queued" })
    .where("run_id", "=", from)
    .where("status", "!=", "acknowledged")
    .execute();
}
