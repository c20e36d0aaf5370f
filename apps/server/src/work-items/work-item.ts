import type { NewWorkItem, WorkItemDetail, WorkItemPatch } from "@windshift/contract/api/work-item.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { Transaction } from "kysely";
import type { Database, Queries } from "../db/database.ts";
import type { Schema } from "../db/schema.ts";
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
    const made = await insertWorkItem(tx, item);
    await assign(ports, tx, { ...item, workItemId: made, by: item.creatorId });
    return made;
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
    const before = await touchWorkItem(tx, id);
    await tx.updateTable("work_items").set(changes).where("id", "=", id).execute();
    if (patch.assignee_id !== undefined && patch.assignee_id !== before.assignee_id) {
      const place = { workspaceId: before.workspace_id, workItemId: id };
      await assign(ports, tx, { ...place, assignee_id: patch.assignee_id, by });
    }
  });
  await ports.triggers.committed();
}

interface Assignment {
  workspaceId: number;
  workItemId: number;
  assignee_id: string | null;
  by: string;
}

async function assign(ports: WorkItemPorts, tx: Transaction<Schema>, change: Assignment): Promise<void> {
  const { workspaceId, workItemId, assignee_id: assignee } = change;
  if (assignee === null) return;
  const kind = await findMemberKind(tx, workspaceId, assignee);
  if (kind === undefined) throw notAMember();
  if (kind === "agent") {
    await ports.triggers.assigned(tx, {
      workspaceId,
      workItemId,
      agentUserId: assignee,
      requestedBy: change.by,
    });
  }
}

function notAMember(): AppError {
  const message = "not a member of the workspace; see the list of members";
  return new AppError("invalid_input", `assignee_id: ${message}`, {
    details: [{ path: "assignee_id", message }],
  });
}
