import type { Change } from "@windshift/contract/api/activity.ts";
import { UserKind, type UserRef } from "@windshift/contract/api/user.ts";
import { type WorkItemPatch, WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { Transaction } from "kysely";
import { recordActivity } from "../activity/activity-store.ts";
import { announceItems, nextUpdate } from "../activity/item-change.ts";
import type { Queries } from "../db/database.ts";
import type { Row, Schema } from "../db/schema.ts";
import type { Person, RunCaller } from "../http/principal.ts";
import { tellAssigned } from "../notifications/item-news.ts";
import { setItemLabels } from "./item-label-store.ts";
import { resolveParent } from "./item-parent.ts";
import { priorityOf, rankOf } from "./priority.ts";
import { writeItemSearch } from "./search-text.ts";
import { checkWish, requireAssignee, type WorkItemPorts } from "./work-item.ts";
import { lockWorkItem } from "./work-item-store.ts";

type Tx = Transaction<Schema>;
type ItemRow = Row<"work_items">;

/**
 * Changes what the patch names, notes it and tells whom it concerns. A new assignee that is an agent is set to work, and so
 * is the one there is when the patch says what its run is to be like.
 * @throws AppError `invalid_input` when something is not of the workspace; `conflict` when the text was changed since
 */
export async function changeWorkItem(
  ports: WorkItemPorts,
  place: { workspaceId: number; workItemId: number },
  patch: WorkItemPatch,
  by: Person,
): Promise<void> {
  const { database, triggers } = ports;
  const { workspaceId, workItemId } = place;
  const wished = await assigneeAfter(ports, place, patch);
  await checkWish(ports, { workspaceId, assignee: wished, by: by.userId }, patch.run);
  await database.transaction(async (tx) => {
    const before = await lockWorkItem(database, tx, workItemId);
    requireSameText(before, patch);
    const after = patch.assignee_id === undefined ? before.assignee_id : patch.assignee_id;
    const isNew = after !== before.assignee_id;
    const kind = isNew ? await requireAssignee(tx, workspaceId, after) : undefined;
    if (patch.run !== undefined && after !== wished)
      throw new AppError("conflict", "somebody has assigned the item to another meanwhile; look at it again");
    await applyChanges(ports, tx, before, patch, { actorId: by.userId, runId: null });
    if (after !== null && kind === "person")
      await tellAssigned(database, tx, { workspaceId, workItemId, assigneeId: after, by: by.userId });
    if (after !== null && (kind === "agent" || patch.run !== undefined))
      await triggers.assigned(tx, {
        workspaceId,
        workItemId,
        agentUserId: after,
        requestedBy: by.userId,
        run: patch.run,
      });
  });
  await triggers.committed();
}

/**
 * The same by the agent of a run, on its own item and no further than it may go (PI-05): what its next run would take for
 * the word of a person is not its to write, nor is it to say that the work is done.
 * @throws AppError `forbidden` for anything else; `lease_lost` when the attempt is no longer the live one
 */
export async function changeAsRun(ports: WorkItemPorts, run: RunCaller, patch: WorkItemPatch): Promise<void> {
  const { priority, label_ids, status, ...rest } = patch;
  const [field] = Object.keys(rest);
  if (field !== undefined)
    throw new AppError(
      "forbidden",
      `${field}: a run may change status, priority and labels of its item only`,
    );
  if (status !== undefined && status !== "in_progress" && status !== "in_review")
    throw new AppError(
      "forbidden",
      "status: a run may set it to in_progress or in_review; a person does the rest",
    );
  await ports.database.transaction(async (tx) => {
    // Item before run, as a trigger does it: two transactions never wait for each other.
    const before = await lockWorkItem(ports.database, tx, run.workItemId);
    if (!(await ports.fence.holdLive(tx, run.runId, run.attempt)))
      throw new AppError("lease_lost", `attempt ${run.attempt} of run ${run.runId} may no longer write`);
    await applyChanges(
      ports,
      tx,
      before,
      { priority, label_ids, status },
      {
        actorId: run.agentUserId,
        runId: run.runId,
      },
    );
  });
}

async function assigneeAfter(
  ports: WorkItemPorts,
  { workItemId }: { workItemId: number },
  patch: WorkItemPatch,
): Promise<string | null> {
  if (patch.assignee_id !== undefined) return patch.assignee_id;
  const row = await ports.database.kysely
    .selectFrom("work_items")
    .select("assignee_id")
    .where("id", "=", workItemId)
    .executeTakeFirstOrThrow();
  return row.assignee_id;
}

/** @throws AppError `conflict` that holds the text there is now */
function requireSameText(before: ItemRow, patch: WorkItemPatch): void {
  const { expected_updated_at: expected, title, description } = patch;
  if (expected === undefined || (title === undefined && description === undefined)) return;
  if (before.text_changed_at_ms <= Date.parse(expected)) return;
  const details = [
    ...(title === undefined ? [] : [{ path: "title", message: before.title }]),
    ...(description === undefined ? [] : [{ path: "description", message: before.description }]),
  ];
  const message =
    "somebody has changed the text since you read it; look at what is there now, then save again";
  throw new AppError("conflict", message, { details });
}

/** Writes what differs, with its activity; nothing where nothing does. */
async function applyChanges(
  { database }: WorkItemPorts,
  tx: Tx,
  before: ItemRow,
  patch: WorkItemPatch,
  by: { actorId: string; runId: number | null },
): Promise<void> {
  const { id: workItemId, workspace_id: workspaceId } = before;
  const { columns, changes } = await findChanges(tx, before, patch);
  const labels =
    patch.label_ids === undefined
      ? { added: [], removed: [] }
      : await setItemLabels(tx, { id: workItemId, workspaceId }, patch.label_ids);
  changes.push(...labels.added.map((label) => ({ kind: "label_added" as const, label })));
  changes.push(...labels.removed.map((label) => ({ kind: "label_removed" as const, label })));
  if (changes.length === 0) return;
  const { updated_at_ms } = await tx
    .updateTable("work_items")
    .set({ ...columns, updated_at_ms: nextUpdate() })
    .where("id", "=", workItemId)
    .returning("updated_at_ms")
    .executeTakeFirstOrThrow();
  if (columns.title !== undefined || columns.description !== undefined)
    await writeText(tx, { ...before, ...columns }, updated_at_ms);
  await recordActivity(
    tx,
    changes.map((change) => ({ workspaceId, workItemId, ...by, change })),
  );
  announceItems(database, tx, workspaceId);
}

type Columns = Partial<
  Pick<ItemRow, "title" | "description" | "status" | "priority" | "parent_id" | "assignee_id">
>;

async function findChanges(
  tx: Tx,
  before: ItemRow,
  patch: WorkItemPatch,
): Promise<{ columns: Columns; changes: Change[] }> {
  const columns: Columns = {};
  const changes: Change[] = [];
  const { title, description, status, priority, assignee_id, parent_key } = patch;
  if (title !== undefined && title !== before.title) {
    columns.title = title;
    changes.push({ kind: "title", from: before.title, to: title });
  }
  if (description !== undefined && description !== before.description) {
    columns.description = description;
    changes.push({ kind: "description" });
  }
  if (status !== undefined && status !== before.status) {
    columns.status = status;
    changes.push({ kind: "status", from: WorkItemStatus.parse(before.status), to: status });
  }
  if (priority !== undefined && rankOf(priority) !== before.priority) {
    columns.priority = rankOf(priority);
    changes.push({ kind: "priority", from: priorityOf(before.priority), to: priority });
  }
  if (assignee_id !== undefined && assignee_id !== before.assignee_id) {
    columns.assignee_id = assignee_id;
    const [from, to] = [await findUserRef(tx, before.assignee_id), await findUserRef(tx, assignee_id)];
    changes.push({ kind: "assignee", from, to });
  }
  if (parent_key !== undefined) {
    const parentId = await resolveParent(tx, before.workspace_id, parent_key, before.id);
    if (parentId !== before.parent_id) {
      columns.parent_id = parentId;
      const [from, to] = [await findParentRef(tx, before.parent_id), await findParentRef(tx, parentId)];
      changes.push({ kind: "parent", from, to });
    }
  }
  return { columns, changes };
}

async function writeText(tx: Tx, item: ItemRow, changedAtMs: number): Promise<void> {
  await tx
    .updateTable("work_items")
    .set({ text_changed_at_ms: changedAtMs })
    .where("id", "=", item.id)
    .execute();
  const { key } = await tx
    .selectFrom("workspaces")
    .select("key")
    .where("id", "=", item.workspace_id)
    .executeTakeFirstOrThrow();
  const { id, title, description } = item;
  await writeItemSearch(tx, { id, key: `${key}-${item.number}`, title, description });
}

async function findUserRef(db: Queries, id: string | null): Promise<UserRef | null> {
  if (id === null) return null;
  const row = await db
    .selectFrom("user")
    .select(["id", "name", "kind"])
    .where("id", "=", id)
    .executeTakeFirst();
  return row === undefined ? null : { ...row, kind: UserKind.parse(row.kind) };
}

async function findParentRef(db: Queries, id: number | null): Promise<{ key: string; title: string } | null> {
  if (id === null) return null;
  const row = await db
    .selectFrom("work_items")
    .innerJoin("workspaces", "workspaces.id", "work_items.workspace_id")
    .select(["workspaces.key", "work_items.number", "work_items.title"])
    .where("work_items.id", "=", id)
    .executeTakeFirst();
  return row === undefined ? null : { key: `${row.key}-${row.number}`, title: row.title };
}
