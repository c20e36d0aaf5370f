import type { NewWorkItem, WorkItemDetail, WorkItemPatch } from "@windshift/contract/api/work-item.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { Database, Queries } from "../db/database.ts";
import { findMemberKind } from "../workspaces/membership-store.ts";
import { countComments } from "./comment-store.ts";
import { listLinks } from "./item-link-store.ts";
import type { Triggers } from "./triggers.ts";
import { getWorkItem, insertWorkItem, touchWorkItem } from "./work-item-store.ts";

export interface WorkItemPorts {
  database: Database;
  triggers: Triggers;
}

/** Everything a work item's page shows of it. */
export async function readWorkItem(db: Queries, id: number): Promise<WorkItemDetail> {
  const { item, description } = await getWorkItem(db, id);
  return {
    ...item,
    description,
    links: await listLinks(db, id),
    comments_count: await countComments(db, id),
  };
}

/**
 * Makes a work item; with an agent as assignee that agent is set to work.
 * @returns its id
 * @throws AppError `invalid_input` when the assignee is not in the workspace
 */
export async function createWorkItem(
  ports: WorkItemPorts,
  item: NewWorkItem & { workspaceId: number; creatorId: string },
): Promise<number> {
  const id = await ports.database.transaction(async (tx) => {
    const agent = await findAgent(tx, item.workspaceId, item.assignee_id);
    const workItemId = await insertWorkItem(tx, item);
    if (agent !== undefined) {
      const { workspaceId, creatorId: requestedBy } = item;
      await ports.triggers.assigned(tx, { workspaceId, workItemId, agentUserId: agent, requestedBy });
    }
    return workItemId;
  });
  await ports.triggers.committed();
  return id;
}

/**
 * Changes what the patch names. A new assignee that is an agent is set to work.
 * @param by the person who asks
 * @throws AppError `invalid_input` when the assignee is not in the workspace
 */
export async function changeWorkItem(
  ports: WorkItemPorts,
  id: number,
  patch: WorkItemPatch,
  by: string,
): Promise<void> {
  const changes = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
  if (Object.keys(changes).length === 0) return;
  await ports.database.transaction(async (tx) => {
    const { workspace_id: workspaceId, assignee_id: before } = await touchWorkItem(tx, id);
    const assignee = patch.assignee_id === before ? null : (patch.assignee_id ?? null);
    const agent = await findAgent(tx, workspaceId, assignee);
    await tx.updateTable("work_items").set(changes).where("id", "=", id).execute();
    if (agent !== undefined) {
      await ports.triggers.assigned(tx, { workspaceId, workItemId: id, agentUserId: agent, requestedBy: by });
    }
  });
  await ports.triggers.committed();
}

/**
 * The assignee if it is an agent, which then is to be set to work.
 * @throws AppError `invalid_input` when it is nobody of the workspace
 */
async function findAgent(
  tx: Queries,
  workspaceId: number,
  assignee: string | null,
): Promise<string | undefined> {
  if (assignee === null) return undefined;
  const kind = await findMemberKind(tx, workspaceId, assignee);
  if (kind === undefined) throw notAMember();
  return kind === "agent" ? assignee : undefined;
}

function notAMember(): AppError {
  const message = "not a member of the workspace; see the list of members";
  return new AppError("invalid_input", `assignee_id: ${message}`, {
    details: [{ path: "assignee_id", message }],
  });
}
