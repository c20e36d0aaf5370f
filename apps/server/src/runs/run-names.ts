import type { Queries } from "../db/database.ts";
import type { Run } from "./run.ts";

/** What people call the item and the users of a run. */
export interface RunNames {
  itemKey: string;
  itemTitle: string;
  agent: string;
  requestedBy: string;
}

export async function readRunNames(db: Queries, run: Run): Promise<RunNames> {
  const item = await db
    .selectFrom("work_items")
    .innerJoin("workspaces", "workspaces.id", "work_items.workspace_id")
    .select(["work_items.number", "work_items.title", "workspaces.key"])
    .where("work_items.id", "=", run.work_item_id)
    .executeTakeFirstOrThrow();
  const users = await db
    .selectFrom("user")
    .select(["id", "name"])
    .where("id", "in", [run.agent_user_id, run.requested_by])
    .execute();
  const nameOf = (id: string) => users.find((user) => user.id === id)?.name ?? "a deleted user";
  return {
    itemKey: `${item.key}-${item.number}`,
    itemTitle: item.title,
    agent: nameOf(run.agent_user_id),
    requestedBy: nameOf(run.requested_by),
  };
}
