import type { PromptNote } from "@windshift/contract/api/run.ts";
import type { MessageId } from "@windshift/contract/ids.ts";
import type { Database } from "../db/database.ts";
import { saidMessageOf, selectMessages } from "./job-sources.ts";
import { PromptNotes } from "./prompt-text.ts";
import { lockRun } from "./run-fence.ts";
import { buildMessage } from "./run-prompt.ts";

/** A message as the agent's process gets it. */
export interface Delivery {
  id: MessageId;
  text: string;
}

/**
 * Marks the queued messages of a run as delivered to the agent's process and gives them, oldest first, each as a prompt would show
 * it; what was hidden in them is noted on the run.
 */
export async function deliverQueued(database: Database, run: number): Promise<Delivery[]> {
  const queued = (await readUnread(database, [run])).filter(({ status }) => status === "queued");
  return (await deliver(database, queued)).get(run) ?? [];
}

/**
 * The same for the runs of a host: what their agents have not been given. What was delivered in an answer that got lost comes again,
 * until the host says that it has it.
 * @param held runs, each with the newest message its host has
 */
export async function deliverAfter(
  database: Database,
  held: readonly { run: number; after_message: number }[],
): Promise<Map<number, Delivery[]>> {
  const after = new Map(held.map(({ run, after_message }) => [run, after_message]));
  if (held.length === 0) return new Map();
  const unread = await readUnread(database, [...after.keys()]);
  return deliver(
    database,
    unread.filter(({ id, run_id }) => id > (after.get(run_id) ?? 0)),
  );
}

type Unread = Awaited<ReturnType<typeof readUnread>>[number];

/** Of what the agents have not acknowledged. Only reads: mostly there is nothing. */
function readUnread(database: Database, runs: readonly number[]) {
  return selectMessages(database.kysely, runs)
    .select("run_messages.status")
    .where("run_messages.status", "!=", "acknowledged")
    .execute();
}

async function deliver(database: Database, rows: readonly Unread[]): Promise<Map<number, Delivery[]>> {
  const deliveries = new Map<number, Delivery[]>();
  for (const [run, found] of Map.groupBy(rows, ({ run_id }) => run_id)) {
    const built = found.map((row) => ({ id: row.id as MessageId, ...buildMessage(saidMessageOf(row)) }));
    const fresh = found.filter(({ status }) => status === "queued").map(({ id }) => id);
    const notes = built.flatMap((message) => (fresh.includes(message.id) ? message.notes : []));
    if (fresh.length > 0) await markDelivered(database, run, fresh, notes);
    deliveries.set(
      run,
      built.map(({ id, text }) => ({ id, text })),
    );
  }
  return deliveries;
}

/** With what was done to them, for people to see: a prompt made later has notes of its own. */
async function markDelivered(
  database: Database,
  run: number,
  ids: readonly number[],
  notes: readonly PromptNote[],
): Promise<void> {
  await database.transaction(async (tx) => {
    const locked = notes.length > 0 ? await lockRun(database, tx, run) : undefined;
    await tx
      .updateTable("run_messages")
      .set({ status: "delivered" })
      .where("id", "in", ids)
      .where("run_id", "=", run)
      .where("status", "=", "queued")
      .execute();
    if (locked === undefined) return;
    const all = new PromptNotes();
    for (const note of [...locked.prompt_notes, ...notes]) all.add(note);
    await tx
      .updateTable("runs")
      .set({ prompt_notes: JSON.stringify(all.all) })
      .where("id", "=", run)
      .execute();
  });
}
