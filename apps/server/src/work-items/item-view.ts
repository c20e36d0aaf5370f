import type { Label } from "@windshift/contract/api/label.ts";
import { UserKind, type UserRef } from "@windshift/contract/api/user.ts";
import { type ItemRef, type WorkItem, WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { assert } from "@windshift/contract/app-error.ts";
import { CHILDREN_SHOWN_MAX } from "@windshift/contract/limits.ts";
import { RunPhase, RunReason, RunStatus } from "@windshift/contract/run.ts";
import { sql } from "kysely";
import type { Queries } from "../db/database.ts";
import { isoTime } from "../http/json.ts";
import { priorityOf } from "./priority.ts";

/** Items as lists show them, in the order of their ids as given; four statements for any number of them. */
export async function viewItems(db: Queries, ids: readonly number[]): Promise<WorkItem[]> {
  if (ids.length === 0) return [];
  const rows = await selectItems(db).where("work_items.id", "in", ids).execute();
  const labels = await labelsOf(db, ids);
  const children = await childrenOf(db, ids);
  const runs = await activeRunsOf(db, ids);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => {
    const row = byId.get(id);
    assert(row !== undefined, `the work item ${id} is there`);
    return {
      id,
      key: `${row.workspace}-${row.number}`,
      workspace: row.workspace,
      title: row.title,
      status: WorkItemStatus.parse(row.status),
      priority: priorityOf(row.priority),
      labels: labels.get(id) ?? [],
      assignee: refOf(row.assignee_id, row.assignee_name, row.assignee_kind),
      creator: { id: row.creator_id, name: row.creator_name, kind: UserKind.parse(row.creator_kind) },
      parent: parentOf(row),
      children_count: children.get(id)?.count ?? 0,
      children_done_count: children.get(id)?.done ?? 0,
      active_run: runs.get(id) ?? null,
      created_at: isoTime(row.created_at_ms),
      updated_at: isoTime(row.updated_at_ms),
    };
  });
}

/** The sub-items that an item's own page lists, oldest first. */
export async function listChildren(
  db: Queries,
  id: number,
): Promise<(ItemRef & { assignee: UserRef | null })[]> {
  const rows = await selectItems(db)
    .where("work_items.parent_id", "=", id)
    .where("work_items.hidden", "=", 0)
    .orderBy("work_items.id")
    .limit(CHILDREN_SHOWN_MAX)
    .execute();
  return rows.map((row) => ({
    key: `${row.workspace}-${row.number}`,
    title: row.title,
    status: WorkItemStatus.parse(row.status),
    assignee: refOf(row.assignee_id, row.assignee_name, row.assignee_kind),
  }));
}

function selectItems(db: Queries) {
  return db
    .selectFrom("work_items")
    .innerJoin("workspaces", "workspaces.id", "work_items.workspace_id")
    .innerJoin("user as creator", "creator.id", "work_items.creator_id")
    .leftJoin("user as assignee", "assignee.id", "work_items.assignee_id")
    .leftJoin("work_items as parent", (join) =>
      join.onRef("parent.id", "=", "work_items.parent_id").on("parent.hidden", "=", 0),
    )
    .select([
      "work_items.id",
      "work_items.number",
      "work_items.title",
      "work_items.status",
      "work_items.priority",
      "work_items.created_at_ms",
      "work_items.updated_at_ms",
      "workspaces.key as workspace",
      "creator.id as creator_id",
      "creator.name as creator_name",
      "creator.kind as creator_kind",
      "assignee.id as assignee_id",
      "assignee.name as assignee_name",
      "assignee.kind as assignee_kind",
      "parent.number as parent_number",
      "parent.title as parent_title",
      "parent.status as parent_status",
    ]);
}

type ItemRow = NonNullable<Awaited<ReturnType<ReturnType<typeof selectItems>["executeTakeFirst"]>>>;

function parentOf(row: ItemRow): ItemRef | null {
  const { parent_number, parent_title: title } = row;
  if (parent_number === null || title === null) return null;
  return { key: `${row.workspace}-${parent_number}`, title, status: WorkItemStatus.parse(row.parent_status) };
}

function refOf(id: string | null, name: string | null, kind: string | null): UserRef | null {
  return id === null || name === null ? null : { id, name, kind: UserKind.parse(kind) };
}

/** By name. */
export async function labelsOf(db: Queries, ids: readonly number[]): Promise<Map<number, Label[]>> {
  const rows = await db
    .selectFrom("item_labels")
    .innerJoin("labels", "labels.id", "item_labels.label_id")
    .select(["item_labels.work_item_id", "labels.id", "labels.name", "labels.color"])
    .where("item_labels.work_item_id", "in", ids)
    .orderBy("labels.name_key")
    .execute();
  const labels = new Map<number, Label[]>();
  for (const { work_item_id, ...label } of rows)
    labels.set(work_item_id, [...(labels.get(work_item_id) ?? []), label]);
  return labels;
}

async function childrenOf(
  db: Queries,
  ids: readonly number[],
): Promise<Map<number, { count: number; done: number }>> {
  const rows = await db
    .selectFrom("work_items")
    .select([
      "parent_id",
      (eb) => eb.fn.countAll<number>().as("count"),
      sql<number>`count(case when status in ('done', 'canceled') then 1 end)`.as("done"),
    ])
    .where("parent_id", "in", ids)
    .where("hidden", "=", 0)
    .groupBy("parent_id")
    .execute();
  return new Map(
    rows.flatMap(({ parent_id, ...counts }) => (parent_id === null ? [] : [[parent_id, counts]])),
  );
}

async function activeRunsOf(
  db: Queries,
  ids: readonly number[],
): Promise<Map<number, NonNullable<WorkItem["active_run"]>>> {
  const rows = await db
    .selectFrom("runs")
    .select(["work_item_id", "id", "status", "phase", "reason"])
    .where("work_item_id", "in", ids)
    .where("status", "in", ["queued", "running", "waiting"])
    .orderBy("id")
    .execute();
  // The newest is written last.
  return new Map(
    rows.map(({ work_item_id, id, status, phase, reason }) => [
      work_item_id,
      {
        id,
        status: RunStatus.parse(status),
        phase: RunPhase.nullable().parse(phase),
        reason: RunReason.nullable().parse(reason),
      },
    ]),
  );
}
