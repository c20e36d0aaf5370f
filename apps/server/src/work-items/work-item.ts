import type { RunWish, WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { Database, Queries } from "../db/database.ts";
import { isFollowing } from "../notifications/follower-store.ts";
import { findMemberKind } from "../workspaces/membership-store.ts";
import { countComments } from "./comment-store.ts";
import { listLinkedPages, listLinks } from "./item-link-store.ts";
import { listChildren, viewItems } from "./item-view.ts";
import type { AttemptFence, Triggers } from "./triggers.ts";

export interface WorkItemPorts {
  database: Database;
  triggers: Triggers;
  fence: AttemptFence;
}

/**
 * Everything a work item's page shows of it.
 * @param viewer the person who looks; undefined for a run
 */
export async function readWorkItem(
  db: Queries,
  id: number,
  viewer: string | undefined,
): Promise<WorkItemDetail> {
  const [item] = await viewItems(db, [id]);
  const { description } = await db
    .selectFrom("work_items")
    .select("description")
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  if (item === undefined) throw new AppError("not_found", "not found");
  return {
    ...item,
    description,
    links: await listLinks(db, id),
    comments_count: await countComments(db, id),
    children: item.children_count === 0 ? [] : await listChildren(db, id),
    linked_pages: await listLinkedPages(db, id),
    following: viewer !== undefined && (await isFollowing(db, id, viewer)),
  };
}

/**
 * What an assignee is, if there is one.
 * @throws AppError `invalid_input` when it is nobody of the workspace
 */
export async function requireAssignee(
  db: Queries,
  workspaceId: number,
  assignee: string | null,
): Promise<"person" | "agent" | undefined> {
  if (assignee === null) return undefined;
  const kind = await findMemberKind(db, workspaceId, assignee);
  if (kind !== undefined) return kind;
  throw fieldError("assignee_id", "not a member of the workspace; see the list of members");
}

/** Looks at what is asked of a run, before the transaction. @throws AppError `invalid_input` when the assignee is no agent */
export async function checkWish(
  ports: WorkItemPorts,
  assignment: { workspaceId: number; assignee: string | null; by: string },
  run: RunWish | undefined,
): Promise<void> {
  if (run === undefined) return;
  const { workspaceId, assignee, by: requestedBy } = assignment;
  const kind = await requireAssignee(ports.database.kysely, workspaceId, assignee);
  if (kind !== "agent" || assignee === null)
    throw fieldError("run", "only an assignment to an agent starts a run");
  await ports.triggers.checkWish({ workspaceId, agentUserId: assignee, requestedBy, run });
}

/** `invalid_input` about one field of a request. @param path of the field, as in the body */
export function fieldError(path: string, message: string): AppError {
  return new AppError("invalid_input", `${path}: ${message}`, { details: [{ path, message }] });
}
