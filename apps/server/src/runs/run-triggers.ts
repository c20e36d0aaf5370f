import { AppError } from "@windshift/contract/app-error.ts";
import type { MessageId, RunId } from "@windshift/contract/ids.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import type { Database, Queries } from "../db/database.ts";
import { branchRunOf, type Run } from "./run.ts";
import { createRun, type RunDefaults, type RunRequest } from "./run-create.ts";
import { lockRun } from "./run-fence.ts";
import { addMessage, type MessageKind } from "./run-messages.ts";
import { resumeRun } from "./run-resume.ts";
import { findActiveRun } from "./run-store.ts";

export type TriggerResult =
  /** A run was queued, or stored as failed because it cannot start. */
  | { kind: "started"; run: RunId; message?: MessageId | undefined }
  /** A run is active already: the trigger was kept as a message for it. */
  | { kind: "kept"; run: RunId; message: MessageId }
  /** A run is active on another branch than the one that was asked for: nothing was done. */
  | { kind: "busy"; run: RunId };

/** Looks for the active run of an item: each further one is for a run that ended and was followed up within the look before. */
const LOOKS_MAX = 10;
/** Why a test run's item starts no run: it would push. */
export const TEST_ITEM_REFUSED =
  "this item belongs to a test run of a binding; test the binding again instead";

/**
 * Starts a run for a trigger, in the caller's transaction. There is one active run per item and agent; a further trigger
 * becomes a message for it, and wakes it when it waits for an answer.
 * @param text what the person wrote with the trigger, if anything
 * @throws AppError `conflict` when a model or base branch was chosen and a run is active, or the item belongs to a test run that
 *   takes no message any more
 */
export async function triggerRun(
  database: Database,
  tx: Queries,
  request: RunRequest,
  defaults: RunDefaults,
  text: string | undefined,
): Promise<TriggerResult> {
  const item = await lockItem(database, tx, request.workItemId);
  const active = await lockActiveRun(database, tx, request.workItemId, request.agentUserId);
  // What a test run is told stays a test; any other run of its item would push.
  if (item.hidden !== 0 && active?.trigger_kind !== "test") throw new AppError("conflict", TEST_ITEM_REFUSED);
  if (active === undefined) {
    const run = await createRun(database, tx, request, defaults);
    if (text === undefined) return { kind: "started", run };
    const message = await addMessage(database, tx, {
      run,
      author: request.requestedBy,
      kind: kindOf(request),
      body: text,
    });
    return { kind: "started", run, message };
  }
  refuseLateChoice(request, active.id);
  if (request.branchRunId !== undefined && request.branchRunId !== branchRunOf(active))
    return { kind: "busy", run: active.id };
  const body = text ?? describeTrigger(request);
  const message = await addMessage(database, tx, {
    run: active.id,
    author: request.requestedBy,
    kind: kindOf(request),
    body,
  });
  await resumeRun(database, tx, active.id, "needs_info");
  return { kind: "kept", run: active.id, message };
}

/**
 * Locks the one active run of the agent on the item, which then cannot end before its end sees the message. It may have ended while
 * we waited for it, with a follow-up in its place: so looks again.
 * @param item locked by the caller
 * @throws AppError `unavailable` when each that was found had ended
 */
async function lockActiveRun(
  database: Database,
  tx: Queries,
  item: number,
  agent: string,
): Promise<Run | undefined> {
  for (let look = 0; look < LOOKS_MAX; look++) {
    const found = await findActiveRun(tx, item, agent);
    if (found === undefined) return undefined;
    const locked = await lockRun(database, tx, found.id);
    if (locked !== undefined && !isTerminal(locked.status)) return locked;
  }
  throw new AppError("unavailable", "the runs of this item end as fast as they start; try again");
}

/** A run that is under way keeps what it was given; who chose otherwise is told, rather than that it is forgotten. */
function refuseLateChoice({ chosen }: RunRequest, active: RunId): void {
  const field =
    chosen?.model !== undefined ? "model" : chosen?.baseBranch !== undefined ? "base_branch" : undefined;
  if (field === undefined) return;
  const message = `run ${active} of the agent is active on the item and keeps its model and base branch; cancel it first, or choose none`;
  throw new AppError("conflict", `${field}: ${message}`, { details: [{ path: field, message }] });
}

/** Two that start runs of one item come one after the other, so that the second finds the first one's run. */
export async function lockItem(database: Database, tx: Queries, item: number): Promise<{ hidden: number }> {
  const query = tx.selectFrom("work_items").select("hidden").where("id", "=", item);
  return (database.engine === "postgres" ? query.forNoKeyUpdate() : query).executeTakeFirstOrThrow();
}

/** The member who is asked for is not who wrote what stands on a forge. */
function kindOf(request: RunRequest): MessageKind {
  return request.trigger === "pr_comment" ? "outside" : "trigger";
}

function describeTrigger(request: RunRequest): string {
  return request.trigger === "rerun"
    ? "A rerun was asked for while you are working. Check that your work covers the item as it is now."
    : "The item was assigned to you again while you are working. Check that your work covers the item as it is now.";
}
