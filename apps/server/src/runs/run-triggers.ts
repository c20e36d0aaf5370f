import { AppError } from "@windshift/contract/app-error.ts";
import type { RunId } from "@windshift/contract/ids.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { createRun, type RunDefaults, type RunRequest } from "./run-create.ts";
import { addMessage } from "./run-messages.ts";
import { findActiveRun } from "./run-store.ts";

export type TriggerResult =
  /** A run was queued, or stored as failed because it cannot start. */
  | { kind: "started"; run: RunId }
  /** A run is active already: the trigger was kept as a message for it. */
  | { kind: "kept"; run: RunId };

/**
 * Starts a run for a trigger, in the caller's transaction. There is one active run per item and agent; a further trigger
 * becomes a message for it, and wakes it when it waits for a person.
 * @param text what the person wrote with the trigger, if anything
 */
export async function triggerRun(
  database: Database,
  tx: Queries,
  request: RunRequest,
  defaults: RunDefaults,
  text: string | undefined,
): Promise<TriggerResult> {
  await lockItem(database, tx, request.workItemId);
  const active = await findActiveRun(tx, request.workItemId, request.agentUserId);
  if (active === undefined) {
    const run = await createRun(database, tx, request, defaults);
    if (text !== undefined)
      await addMessage(database, tx, { run, author: request.requestedBy, kind: "trigger", body: text });
    return { kind: "started", run };
  }
  await addMessage(database, tx, {
    run: active.id,
    author: request.requestedBy,
    kind: "trigger",
    body: text ?? describeTrigger(request),
  });
  if (active.status === "waiting") await resumeRun(database, tx, active.id);
  return { kind: "kept", run: active.id };
}

/** Puts a run that waited for a person back into the queue; its next attempt gets the messages in its prompt. */
export async function resumeRun(database: Database, tx: Queries, run: RunId): Promise<void> {
  const row = await tx
    .updateTable("runs")
    .set({ status: "queued", reason: null, detail: null, result: null })
    .where("id", "=", run)
    .where("status", "=", "waiting")
    .returning("id")
    .executeTakeFirst();
  if (row === undefined) throw new AppError("conflict", `run ${run} does not wait for an answer any more`);
  await tx
    .updateTable("run_steps")
    .set({ status: "pending", tries: 0, detail: null, updated_at_ms: dbNowMs(database.engine) })
    .where("run_id", "=", run)
    .execute();
}

/** Two triggers for one item come one after the other, so that the second finds the first one's run. */
async function lockItem(database: Database, tx: Queries, item: number): Promise<void> {
  if (database.engine === "postgres") {
    await tx.selectFrom("work_items").select("id").where("id", "=", item).forUpdate().executeTakeFirst();
  }
}

function describeTrigger(request: RunRequest): string {
  return request.trigger === "rerun"
    ? "A rerun was asked for while you are working. Check that your work covers the item as it is now."
    : "The item was assigned to you again while you are working. Check that your work covers the item as it is now.";
}
