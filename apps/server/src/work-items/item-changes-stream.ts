import type { ItemChanges } from "@windshift/contract/api/work-item.ts";
import type { Database } from "../db/database.ts";
import { UNENDED, UNINDEXED_RUN_ID } from "../db/unended-runs.ts";
import { eventFrame, liveStream } from "../http/live-stream.ts";
import { DELETED } from "./work-item-store.ts";

/** How far a look goes back behind the last one, ms: more than two servers' clocks differ and a transaction takes. */
const OVERLAP_MS = 30_000;
/** Keys named in one event; of more changes a list is told that it is to be read anew. */
const KEYS_MAX = 200;
/** Runs of a workspace whose state is followed; of more, the newest. */
const RUNS_MAX = 1_000;

/**
 * Which items of a workspace change, as server-sent events `changed`, without a word of what is in them. The first event
 * comes when the stream stands: what changed before is in what is read after it.
 * @param mayLook asked from time to time; `false` ends the stream
 */
export function streamItemChanges(
  database: Database,
  workspaceId: number,
  mayLook: () => Promise<boolean>,
): Response {
  const items = new ChangedItems(database, workspaceId);
  const runs = new ChangedRuns(database, workspaceId);
  const labels = new ChangedLabels(database, workspaceId);
  let first = true;
  return liveStream({
    signals: database.signals,
    topic: `workspace:${workspaceId}`,
    mayLook,
    look: async () => {
      const changed = new Set([...(await items.look()), ...(await runs.look())]);
      const labeled = await labels.look();
      if (first) {
        first = false;
        return [eventFrame("changed", { keys: [] } satisfies ItemChanges)];
      }
      if (changed.size === 0 && !labeled) return [];
      const changes: ItemChanges =
        labeled || changed.size > KEYS_MAX ? { all: true } : { keys: [...changed] };
      return [eventFrame("changed", changes)];
    },
  });
}

/** Items whose `updated_at` moved on. Looks back a while each time, and knows what it has told. */
class ChangedItems {
  private told = new Map<number, number>();
  private sinceMs = Date.now() - OVERLAP_MS;

  constructor(
    private readonly database: Database,
    private readonly workspaceId: number,
  ) {}

  async look(): Promise<string[]> {
    const rows = await this.database.kysely
      .selectFrom("work_items")
      .innerJoin("workspaces", "workspaces.id", "work_items.workspace_id")
      .select(["work_items.id", "work_items.number", "work_items.updated_at_ms", "workspaces.key"])
      .where("work_items.workspace_id", "=", this.workspaceId)
      .where("work_items.updated_at_ms", ">", this.sinceMs)
      .where("work_items.hidden", "in", [0, DELETED])
      .orderBy("work_items.updated_at_ms", "desc")
      .limit(KEYS_MAX + 1)
      .execute();
    const news = rows.filter((row) => this.told.get(row.id) !== row.updated_at_ms);
    this.told = new Map(rows.map((row) => [row.id, row.updated_at_ms]));
    const newest = rows[0]?.updated_at_ms ?? 0;
    this.sinceMs = Math.max(this.sinceMs, newest - OVERLAP_MS);
    return news.map(({ key, number }) => `${key}-${number}`);
  }
}

/** Labels that are made, renamed, coloured anew or deleted: any item may show one. */
class ChangedLabels {
  private shown: string | undefined;

  constructor(
    private readonly database: Database,
    private readonly workspaceId: number,
  ) {}

  async look(): Promise<boolean> {
    const rows = await this.database.kysely
      .selectFrom("labels")
      .select(["id", "name", "color"])
      .where("workspace_id", "=", this.workspaceId)
      .orderBy("id")
      .execute();
    const before = this.shown;
    this.shown = JSON.stringify(rows.map(({ id, name, color }) => [id, name, color]));
    return before !== undefined && before !== this.shown;
  }
}

/** Items whose runs start, move on or end: an item's card shows the run that is active. */
export class ChangedRuns {
  private shown = new Map<string, string>();

  constructor(
    private readonly database: Database,
    private readonly workspaceId: number,
  ) {}

  async look(): Promise<string[]> {
    const rows = await this.database.kysely
      .selectFrom("runs")
      .innerJoin("work_items", "work_items.id", "runs.work_item_id")
      .innerJoin("workspaces", "workspaces.id", "runs.workspace_id")
      .select(["workspaces.key", "work_items.number", "runs.id", "runs.status", "runs.phase"])
      .where("runs.workspace_id", "=", this.workspaceId)
      .where(UNENDED)
      .where("work_items.hidden", "=", 0)
      .orderBy(UNINDEXED_RUN_ID, "desc")
      .limit(RUNS_MAX)
      .execute();
    const before = this.shown;
    const now = new Map<string, string>();
    for (const { key, number, id, status, phase } of rows) {
      const item = `${key}-${number}`;
      now.set(item, `${now.get(item) ?? ""} ${id} ${status} ${phase}`);
    }
    this.shown = now;
    return [...new Set([...before.keys(), ...now.keys()])].filter(
      (item) => before.get(item) !== now.get(item),
    );
  }
}
