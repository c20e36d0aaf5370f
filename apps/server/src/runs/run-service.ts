import type { RunChoices } from "@windshift/contract/api/run.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { RunId } from "@windshift/contract/ids.ts";
import type { TriggerKind } from "@windshift/contract/run.ts";
import type { Database, Queries } from "../db/database.ts";
import type { Triggers } from "../work-items/triggers.ts";
import type { RunRequest } from "./run-create.ts";
import { lockRun } from "./run-fence.ts";
import { addMessage } from "./run-messages.ts";
import { resumeRun } from "./run-resume.ts";
import { TEST_ITEM_REFUSED, triggerRun } from "./run-triggers.ts";
import { checkWish, type WishPorts } from "./run-wish.ts";

/** What everything about runs is done with. */
export type RunService = WishPorts;

/** How work items tell the queue of what people did to them. */
export function createTriggers(service: RunService): Triggers {
  const { database, defaults } = service;
  return {
    checkWish: (wish) => checkWish(service, wish, "run."),
    assigned: async (tx, { workspaceId, workItemId, agentUserId, requestedBy, run }) => {
      const request = { workspaceId, workItemId, agentUserId, requestedBy, trigger: "assignee" as const };
      await triggerRun(
        database,
        tx,
        { ...request, chosen: chosenOf(run) },
        defaults,
        textOf(run?.instruction),
      );
    },
    commented: async (tx, { workspaceId, workItemId, authorId, body, mentionedAgents }) => {
      const answered = await answerWaiting(database, tx, workItemId, authorId, body);
      for (const agentUserId of mentionedAgents) {
        if (answered.has(agentUserId)) continue;
        const request = { workspaceId, workItemId, agentUserId, requestedBy: authorId };
        await triggerRun(database, tx, { ...request, trigger: "mention" }, defaults, body);
      }
    },
    committed: async () => {
      await database.signals.notify("queue");
    },
  };
}

/**
 * A person's comment answers every run of the item that waits for one; one that waits for its budget keeps it.
 * @returns the agents whose runs have it
 */
async function answerWaiting(
  database: Database,
  tx: Queries,
  item: number,
  author: string,
  body: string,
): Promise<Set<string>> {
  const waiting = await tx
    .selectFrom("runs")
    .select(["id", "agent_user_id"])
    .where("work_item_id", "=", item)
    .where("status", "=", "waiting")
    .execute();
  const answered = new Set<string>();
  for (const { id, agent_user_id } of waiting) {
    // Another answer may have been first; the comment stays a comment then, and the run reads it in its prompt.
    const run = await lockRun(database, tx, id);
    if (run?.status !== "waiting") continue;
    await addMessage(database, tx, { run: id, author, kind: "steer", body });
    await resumeRun(database, tx, id, "needs_info");
    answered.add(agent_user_id);
  }
  return answered;
}

function chosenOf(wish: Omit<RunChoices, "instruction"> | undefined): RunRequest["chosen"] {
  return wish === undefined ? undefined : { model: wish.model, baseBranch: wish.base_branch };
}

/** A field that was left empty says nothing. */
function textOf(instruction: string | undefined): string | undefined {
  return instruction === undefined || instruction.trim() === "" ? undefined : instruction;
}

/**
 * Runs an item's agent again. The agent is the one named, else that of the last run, else the assignee.
 * @throws AppError `conflict` when the item has no agent to run, belongs to a test run, or a model was chosen for a run under way
 */
export async function rerunItem(service: RunService, request: RerunRequest): Promise<RunId> {
  const { database, defaults } = service;
  const { workspaceId, workItemId, requestedBy, wish } = request;
  const agentUserId = await chooseAgent(database.kysely, request);
  await checkWish(service, { workspaceId, agentUserId, run: wish }, "");
  const result = await database.transaction(async (tx) => {
    await requireAgent(tx, workspaceId, agentUserId);
    const trigger: TriggerKind = "rerun";
    return triggerRun(
      database,
      tx,
      { workspaceId, workItemId, agentUserId, trigger, requestedBy, chosen: chosenOf(wish) },
      defaults,
      textOf(request.instruction),
    );
  });
  await database.signals.notify("queue");
  await database.signals.notify(`run:${result.run}`);
  return result.run;
}

export interface RerunRequest {
  workspaceId: number;
  workItemId: number;
  requestedBy: string;
  agentUserId: string | undefined;
  instruction: string | undefined;
  wish: Omit<RunChoices, "instruction">;
}

async function chooseAgent(db: Queries, { workItemId, agentUserId }: RerunRequest): Promise<string> {
  const item = await db
    .selectFrom("work_items")
    .select("hidden")
    .where("id", "=", workItemId)
    .executeTakeFirstOrThrow();
  if (item.hidden !== 0) throw new AppError("conflict", TEST_ITEM_REFUSED);
  const agent = agentUserId ?? (await findAgent(db, workItemId));
  if (agent === undefined) throw new AppError("conflict", "the item has no agent; assign it to one");
  return agent;
}

async function findAgent(tx: Queries, item: number): Promise<string | undefined> {
  const last = await tx
    .selectFrom("runs")
    .select("agent_user_id")
    .where("work_item_id", "=", item)
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
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
