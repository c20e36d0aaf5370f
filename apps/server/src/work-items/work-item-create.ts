import type { NewWorkItem } from "@windshift/contract/api/work-item.ts";
import { recordActivity } from "../activity/activity-store.ts";
import { announceItems } from "../activity/item-change.ts";
import { follow } from "../notifications/follower-store.ts";
import { tellAssigned } from "../notifications/item-news.ts";
import { setItemLabels } from "./item-label-store.ts";
import { resolveParent } from "./item-parent.ts";
import { checkWish, requireAssignee, type WorkItemPorts } from "./work-item.ts";
import { insertWorkItem } from "./work-item-store.ts";

/**
 * Makes a work item; with an agent as assignee that agent is set to work.
 * @returns its id
 * @throws AppError `invalid_input` when assignee, labels or parent are not of the workspace, or the run cannot be as wished
 */
export async function createWorkItem(
  ports: WorkItemPorts,
  item: NewWorkItem & { workspaceId: number; creatorId: string },
): Promise<number> {
  const { database, triggers } = ports;
  const { workspaceId, creatorId, assignee_id: assignee, run } = item;
  await checkWish(ports, { workspaceId, assignee, by: creatorId }, run);
  const id = await database.transaction(async (tx) => {
    const kind = await requireAssignee(tx, workspaceId, assignee);
    const parentId = await resolveParent(tx, workspaceId, item.parent_key, undefined);
    const workItemId = await insertWorkItem(tx, { ...item, parentId });
    await setItemLabels(tx, { id: workItemId, workspaceId }, item.label_ids);
    await recordActivity(tx, [{ workspaceId, workItemId, actorId: creatorId, change: { kind: "created" } }]);
    await follow(tx, workItemId, [creatorId]);
    if (kind === "person" && assignee !== null)
      await tellAssigned(database, tx, { workspaceId, workItemId, assigneeId: assignee, by: creatorId });
    if (kind === "agent" && assignee !== null)
      await triggers.assigned(tx, {
        workspaceId,
        workItemId,
        agentUserId: assignee,
        requestedBy: creatorId,
        run,
      });
    announceItems(database, tx, workspaceId);
    return workItemId;
  });
  await triggers.committed();
  return id;
}
