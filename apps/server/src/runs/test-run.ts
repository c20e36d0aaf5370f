import { AppError } from "@windshift/contract/app-error.ts";
import type { RunId } from "@windshift/contract/ids.ts";
import { record } from "../audit/audit-store.ts";
import { createRun } from "./run-create.ts";
import type { RunService } from "./run-service.ts";

/** Stores an item that no list shows. @returns its id */
export type CreateHiddenItem = (
  tx: Parameters<typeof createRun>[1],
  item: { workspaceId: number; creatorId: string; title: string; description: string },
) => Promise<number>;

/**
 * Tries a binding out, whether it is switched on or not: a run on an item of its own that no list shows. Its grants let nothing be
 * pushed; what it did is a patch on the run.
 * @throws AppError `not_found` when the binding is gone
 */
export async function startTestRun(
  { database, defaults }: RunService,
  createItem: CreateHiddenItem,
  request: { binding: number; requestedBy: string; instruction: string },
): Promise<RunId> {
  const { requestedBy, instruction } = request;
  const run = await database.transaction(async (tx) => {
    const binding = await tx
      .selectFrom("bindings")
      .innerJoin("user", "user.id", "bindings.agent_user_id")
      .select(["bindings.workspace_id", "bindings.agent_user_id", "user.name"])
      .where("bindings.id", "=", request.binding)
      .executeTakeFirst();
    if (binding === undefined) throw new AppError("not_found", "not found");
    const { workspace_id: workspaceId, agent_user_id: agentUserId, name } = binding;
    const workItemId = await createItem(tx, {
      workspaceId,
      creatorId: requestedBy,
      title: `Test of ${name}`,
      description: instruction,
    });
    const id = await createRun(
      database,
      tx,
      { workspaceId, workItemId, agentUserId, requestedBy, trigger: "test" },
      defaults,
    );
    await record(tx, {
      workspaceId,
      actor: { user: requestedBy },
      action: "binding.tested",
      subject: `binding ${request.binding}`,
      data: { run: id },
    });
    return id;
  });
  await database.signals.notify("queue");
  return run;
}
