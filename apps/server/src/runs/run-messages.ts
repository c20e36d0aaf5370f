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

/** Queues what somebody says to a run's agent. @returns its id, by which it is acknowledged */
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

/** The agent has it. One that was not delivered yet, or is acknowledged, stays as it is. */
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
    .select("id")
    .where("run_id", "=", run)
    .where("status", "!=", "acknowledged")
    // Not a join: few messages are unread, and comments are not found by theirs.
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom("forge_comments")
          .select("message_id")
          .whereRef("forge_comments.message_id", "=", "run_messages.id"),
      ),
    )
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
