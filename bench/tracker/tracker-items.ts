import type { Database } from "../../apps/server/src/db/database.ts";
import { searchable } from "../../apps/server/src/db/text-search.ts";

/** Items of the workspace: what a team makes in some years. */
export const ITEMS = 10_000;
const LABELS = 20;
/** Rows of one statement: PostgreSQL takes 65,535 parameters. */
const ROWS_AT_ONCE = 200;
/** Words of a description: some 1.5 KB, as a bug report with a stack trace has. */
const WORDS = 220;
/** Stands in every tenth item. */
export const COMMON_WORD = "reconnect";
/** Stands in none. */
export const RARE_WORD = "zymurgy";

/** Fills a workspace: statuses, priorities, assignees and labels as they come about, every tenth item below another one. */
export async function fillWorkspace(database: Database, workspaceKey: string, person: string): Promise<void> {
  const { id: workspaceId } = await database.kysely
    .selectFrom("workspaces")
    .select("id")
    .where("key", "=", workspaceKey)
    .executeTakeFirstOrThrow();
  const labels = await makeLabels(database, workspaceId);
  const startMs = Date.now() - ITEMS * 60_000;
  for (let from = 0; from < ITEMS; from += ROWS_AT_ONCE)
    await insertItems(database, { workspaceId, workspaceKey, person, labels, startMs, from });
  await database.kysely
    .updateTable("workspaces")
    .set({ last_item_number: ITEMS })
    .where("id", "=", workspaceId)
    .execute();
}

async function makeLabels(database: Database, workspaceId: number): Promise<number[]> {
  const rows = await database.kysely
    .insertInto("labels")
    .values(
      Array.from({ length: LABELS }, (_, n) => ({
        workspace_id: workspaceId,
        name: `label ${n}`,
        name_key: `label ${n}`,
        color: "#1f6feb",
        created_at_ms: 0,
      })),
    )
    .returning("id")
    .execute();
  return rows.map((row) => row.id);
}

interface Batch {
  workspaceId: number;
  workspaceKey: string;
  person: string;
  labels: readonly number[];
  startMs: number;
  from: number;
}

async function insertItems(database: Database, batch: Batch): Promise<void> {
  const { workspaceId, workspaceKey, person, labels, startMs, from } = batch;
  const statuses = ["todo", "todo", "in_progress", "in_review", "done", "done", "done", "canceled"];
  const items = Array.from({ length: ROWS_AT_ONCE }, (_, at) => {
    const n = from + at;
    const ms = startMs + ((n * 7_919) % ITEMS) * 60_000;
    return {
      workspace_id: workspaceId,
      number: n + 1,
      title: `Item ${n} of the ${wordOf(n)} ${wordOf(n * 3)}`,
      description: describe(n),
      status: statuses[n % statuses.length] ?? "todo",
      priority: (n * 31) % 5,
      assignee_id: n % 3 === 0 ? person : null,
      creator_id: person,
      created_at_ms: ms,
      updated_at_ms: ms,
    };
  });
  await database.transaction(async (tx) => {
    const rows = await tx.insertInto("work_items").values(items).returning(["id", "number"]).execute();
    const idOf = new Map(rows.map(({ id, number }) => [number, id]));
    const idsOf = (number: number) => idOf.get(number) ?? 0;
    await tx
      .insertInto("item_search")
      .values(
        items.map(({ number, title, description }) => ({
          work_item_id: idsOf(number),
          text: searchable(`${workspaceKey}-${number}\n${title}\n${description}`),
        })),
      )
      .execute();
    await tx
      .insertInto("item_labels")
      .values(
        items.flatMap(({ number }) =>
          [number % LABELS, (number * 3 + 1) % LABELS]
            .filter((label, at, all) => all.indexOf(label) === at)
            .map((label) => ({ work_item_id: idsOf(number), label_id: labels[label] ?? 0 })),
        ),
      )
      .execute();
    const children = items.filter(({ number }) => number % 10 === 0).map(({ number }) => idsOf(number));
    const parent = idsOf(from + 1);
    await tx.updateTable("work_items").set({ parent_id: parent }).where("id", "in", children).execute();
  });
}

const VOCABULARY =
  "parser lexer queue runner broker socket retry timeout button page form token cache index branch".split(
    " ",
  );

function wordOf(n: number): string {
  return VOCABULARY[n % VOCABULARY.length] ?? "";
}

function describe(n: number): string {
  const words = Array.from({ length: WORDS }, (_, at) => wordOf(n * 17 + at * 29 + ((n * at) % 7)));
  return `${words.join(" ")}${n % 10 === 0 ? ` ${COMMON_WORD}` : ""}\n`;
}
