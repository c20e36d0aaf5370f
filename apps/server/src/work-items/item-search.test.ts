import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { WorkItemPage } from "@windshift/contract/api/work-item.ts";
import { sql } from "kysely";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { create, createItem } from "../testing/test-workspace.ts";
import { countItems, listItems } from "./item-list.ts";

// Thousands of items are made at once.
setDefaultTimeout(60_000);

/** Several windows of a search. */
const ITEMS = 9_000;
let server: TestServer;
let admin: TestClient;
let scope: { workspaceIds: number[]; userId: string };
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  await create(admin, "/api/v1/workspaces", { key: "MANY", name: "Many" });
  await createItem(admin, "MANY", { title: "First" });
  const { kysely } = server.database;
  const { workspace_id, creator_id } = await kysely
    .selectFrom("work_items")
    .select(["workspace_id", "creator_id"])
    .executeTakeFirstOrThrow();
  scope = { workspaceIds: [workspace_id], userId: creator_id };
  // Ten items of each time and priority; every seventh has the word.
  await sql`with recursive n(i) as (select 1 union all select i + 1 from n where i < ${sql.lit(ITEMS)})
    insert into work_items (workspace_id, number, title, description, status, priority, creator_id, created_at_ms, updated_at_ms)
    select ${workspace_id}, 100 + i, 'item ' || i, '', case when i % 2 = 0 then 'todo' else 'done' end, i / 10 % 4, ${creator_id}, i, i / 10 * 37 % 1000
    from n`.execute(kysely);
  await sql`insert into item_search (work_item_id, text)
    select id, 'many-' || number || case when (number - 100) % 7 = 0 then ' needle' else ' hay' end
    from work_items where title like 'item %'`.execute(kysely);
});
afterAll(() => server.close());

test("a search goes through every order to its end, each item once, also where many are alike", async () => {
  const rows = await server.database.kysely
    .selectFrom("work_items")
    .select(["id", "priority", "updated_at_ms"])
    .where(sql<boolean>`title like 'item %' and (number - 100) % 7 = 0`)
    .execute();
  for (const sort of ["created", "updated", "priority"] as const)
    for (const order of ["asc", "desc"] as const) {
      const value = (row: (typeof rows)[number]) =>
        sort === "created" ? 0 : sort === "updated" ? row.updated_at_ms : row.priority;
      const sign = order === "asc" ? 1 : -1;
      const expected = rows
        .toSorted((a, b) => sign * (value(a) - value(b) || a.id - b.id))
        .map(({ id }) => id);
      const seen: number[] = [];
      for (let before: string | undefined; ; ) {
        const page = await listItems(
          server.database,
          scope,
          { q: "needle MANY" },
          { sort, order, before, limit: 500 },
        );
        seen.push(...page.items.map(({ id }) => id));
        if (page.next_before === null) break;
        before = page.next_before;
      }
      expect([sort, order, seen]).toEqual([sort, order, expected]);
    }
});

test("what is found is counted by status, with the other filters", async () => {
  const counts = await countItems(server.database, scope, { q: "needle", priority: ["none"] });
  const numbers = Array.from({ length: ITEMS }, (_, n) => n + 1).filter(
    (i) => i % 7 === 0 && Math.floor(i / 10) % 4 === 0,
  );
  expect(counts).toMatchObject({
    todo: numbers.filter((i) => i % 2 === 0).length,
    done: numbers.filter((i) => i % 2 === 1).length,
  });
});

test("a word that is nowhere lets others work while it is looked for", async () => {
  let turns = 0;
  let over = false;
  const count = () => {
    turns += 1;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  const page = { sort: "updated", order: "desc", before: undefined, limit: 50 } as const;
  expect((await listItems(server.database, scope, { q: "nowhere" }, page)).items).toEqual([]);
  over = true;
  // One turn between any two windows; PostgreSQL looks by itself.
  expect(turns).toBeGreaterThanOrEqual(server.database.engine === "sqlite" ? ITEMS / 2_000 : 1);
  const reply = await admin.get<WorkItemPage>("/api/v1/workspaces/MANY/items?q=nowhere");
  expect([reply.status, reply.body.items]).toEqual([200, []]);
});
