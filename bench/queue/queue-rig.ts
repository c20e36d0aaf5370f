import { type Database, dbNowMs } from "../../apps/server/src/db/database.ts";
import { createRun } from "../../apps/server/src/runs/run-create.ts";
import { createRunFixture, type RunFixture } from "../../apps/server/src/testing/run-fixture.ts";

/** Workspaces that share the queue. */
const WORKSPACES = 10;
/** Rows of one statement: PostgreSQL takes 65,535 parameters. */
const ROWS_AT_ONCE = 500;

/** Numbers of its items, above those that the fixture gives. */
const FIRST_NUMBER = 1_000_000;

/** A queue on a database of its own: ten workspaces, no cap in the way. */
export interface QueueRig extends RunFixture {
  /** Fills the queue until so many runs wait. */
  fillTo(queued: number): Promise<void>;
}

/** Makes the database and one queued run a workspace, which `fillTo` copies. */
export async function createQueueRig(): Promise<QueueRig> {
  const fixture = await createRunFixture(WORKSPACES);
  const { database, pool } = fixture;
  await database.kysely.updateTable("pools").set({ max_running: 1_000_000 }).where("id", "=", pool).execute();
  const templates = await Promise.all(
    fixture.workspaces.map(async (workspace) => {
      const item = await fixture.createItem(workspace);
      const run = await database.transaction((tx) =>
        createRun(
          database,
          tx,
          {
            workspaceId: workspace,
            workItemId: item,
            agentUserId: fixture.agent,
            trigger: "assignee",
            requestedBy: fixture.person,
          },
          { llmModel: undefined },
        ),
      );
      return { workspace, run };
    }),
  );
  let number = FIRST_NUMBER;
  return {
    ...fixture,
    fillTo: async (queued) => {
      let left = queued - (await countQueued(database));
      for (let at = 0; left > 0; at++) {
        const template = templates[at % templates.length];
        if (template === undefined) return;
        const count = Math.min(left, ROWS_AT_ONCE);
        await copyRuns(database, template.run, template.workspace, count, number);
        number += count;
        left -= count;
      }
    },
  };
}

/** As many more runs like one that exists, each on an item of its own. */
async function copyRuns(
  database: Database,
  run: number,
  workspace: number,
  count: number,
  firstNumber: number,
): Promise<void> {
  const now = dbNowMs(database.engine);
  const items = await database.kysely
    .insertInto("work_items")
    .values(
      Array.from({ length: count }, (_, at) => ({
        workspace_id: workspace,
        number: firstNumber + at,
        title: `item ${firstNumber + at}`,
        description: "",
        status: "todo",
        creator_id: "person",
        created_at_ms: now,
        updated_at_ms: now,
      })),
    )
    .returning("id")
    .execute();
  const { id: _, ...row } = await database.kysely
    .selectFrom("runs")
    .selectAll()
    .where("id", "=", run)
    .executeTakeFirstOrThrow();
  // A run has some forty columns.
  for (let at = 0; at < items.length; at += 200)
    await database.kysely
      .insertInto("runs")
      .values(
        items.slice(at, at + 200).map((item) => ({
          ...row,
          status: "queued",
          attempt: 0,
          runner_id: null,
          lease_expires_at_ms: null,
          phase: null,
          started_at_ms: null,
          work_item_id: item.id,
        })),
      )
      .execute();
}

async function countQueued(database: Database): Promise<number> {
  const { count } = await database.kysely
    .selectFrom("runs")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("status", "=", "queued")
    .executeTakeFirstOrThrow();
  return count;
}
