import { AppError } from "@windshift/contract/app-error.ts";
import type { RunId } from "@windshift/contract/ids.ts";
import type { TriggerKind } from "@windshift/contract/run.ts";
import type { Database, Queries } from "../db/database.ts";
import type { Triggers } from "../work-items/triggers.ts";
import type { RunDefaults } from "./run-create.ts";
import { lockRun } from "./run-fence.ts";
import { addMessage } from "./run-messages.ts";
import { resumeRun } from "./run-resume.ts";
import { listRunsOfItem } from "./run-store.ts";
import { triggerRun } from "./run-triggers.ts";

/** What everything about runs is done with. */
export interface RunService {
  database: Database;
  defaults: RunDefaults;
}

/** How work items tell the queue of what people did to them. */
export function createTriggers({ database, defaults }: RunService): Triggers {
  return {
    assigned: async (tx, { workspaceId, workItemId, agentUserId, requestedBy }) => {
      await triggerRun(
        database,
        tx,
        { workspaceId, workItemId, agentUserId, requestedBy, trigger: "assignee" },
        defaults,
        undefined,
      );
    },
    commented: (tx, { workItemId, authorId, body }) =>
      answerWaiting(database, tx, workItemId, authorId, body),
    committed: async () => {
      await database.signals.notify("queue");
    },
  };
}

/** A person's comment answers every run of the item that waits for one; one that waits for its budget keeps it. */
async function answerWaiting(
  database: Database,
  tx: Queries,
  item: number,
  author: string,
  body: string,
): Promise<void> {
  const waiting = await tx
    .selectFrom("runs")
    .select("id")
    .where("work_item_id", "=", item)
    .where("status", "=", "waiting")
    .execute();
  for (const { id } of waiting) {
    // Another answer may have been first; the comment stays a comment then, and the run reads it in its prompt.
    const run = await lockRun(database, tx, id);
    if (run?.status !== "waiting") continue;
    await addMessage(database, tx, { run: id, author, kind: "steer", body });
    await resumeRun(database, tx, id, "needs_info");
  }
}

/**
 * Runs an item's agent again. The agent is the one named, else that of the last run, else the assignee.
 * @throws AppError `conflict` when the item has no agent to run
 */
export async function rerunItem(
  { database, defaults }: RunService,
  request: {
    workspaceId: number;
    workItemId: number;
    requestedBy: string;
    agentUserId?: string | undefined;
    instruction?: string | undefined;
  },
): Promise<RunId> {
  const result = await database.transaction(async (tx) => {
    const agentUserId = request.agentUserId ?? (await findAgent(tx, request.workItemId));
    if (agentUserId === undefined) throw new AppError("conflict", "the item has no agent; assign it to one");
    await requireAgent(tx, request.workspaceId, agentUserId);
    const trigger: TriggerKind = "rerun";
    const { workspaceId, workItemId, requestedBy } = request;
    return triggerRun(
      database,
      tx,
      { workspaceId, workItemId, agentUserId, trigger, requestedBy },
      defaults,
      request.instruction,
    );
  });
  await database.signals.notify("queue");
  await database.signals.notify(`run:${result.run}`);
  return result.run;
}

async function findAgent(tx: Queries, item: number): Promise<string | undefined> {
  const [last] = await listRunsOfItem(tx, item);
  if (last !== undefined) return last.agent_user_id;
  const row = await tx
    .selectFrom("work_items")
    .innerJoin("user", "user.id", "work_items.assignee_id")
    .select("user.id")
    .where("work_items.id", "=", item)
    .where("user.kind", "=", "agent")
    .executeTakeFirst();
  return row?.id;
}

async function requireAgent(tx: Queries, workspaceId: number, userId: string): Promise<void> {
  const row = await tx
    .selectFrom("memberships")
    .innerJoin("user", "user.id", "memberships.user_id")
    .select("user.id")
    .where("memberships.workspace_id", "=", workspaceId)
    .where("user.id", "=", userId)
    .where("user.kind", "=", "agent")
    .executeTakeFirst();
  if (row === undefined)
    throw new AppError("invalid_input", `agent_user_id: ${userId} is not an agent of this workspace`);
}
