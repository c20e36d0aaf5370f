import { assert } from "@windshift/contract/app-error.ts";
import type { Queries } from "../db/database.ts";
import type { Run } from "./run.ts";

/** What people call the item and the users of a run. */
export interface RunNames {
  itemKey: string;
  itemTitle: string;
  agent: string;
  requestedBy: string;
}

/** What people call all that a run is about. */
export async function readRunNames(db: Queries, run: Run): Promise<RunNames> {
  return (await readNamesOf(db, [run]))(run);
}

/** The same for several runs with as many statements as for one. */
export async function readNamesOf(db: Queries, runs: readonly Run[]): Promise<(run: Run) => RunNames> {
  const items = await db
    .selectFrom("work_items")
    .innerJoin("workspaces", "workspaces.id", "work_items.workspace_id")
    .select(["work_items.id", "work_items.number", "work_items.title", "workspaces.key"])
    .where("work_items.id", "in", [...new Set(runs.map((run) => run.work_item_id))])
    .execute();
  const users = await db
    .selectFrom("user")
    .select(["id", "name"])
    .where("id", "in", [...new Set(runs.flatMap((run) => [run.agent_user_id, run.requested_by]))])
    .execute();
  const nameOf = (id: string) => users.find((user) => user.id === id)?.name ?? "a deleted user";
  return (run) => {
    const item = items.find(({ id }) => id === run.work_item_id);
    assert(item !== undefined, `run ${run.id} has no item`);
    return {
      itemKey: `${item.key}-${item.number}`,
      itemTitle: item.title,
      agent: nameOf(run.agent_user_id),
      requestedBy: nameOf(run.requested_by),
    };
  };
}
