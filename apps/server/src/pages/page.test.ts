import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { PageDetail, PageList, PageVersion, PageVersions } from "@windshift/contract/api/page.ts";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { sql } from "kysely";
import { untilAnotherWaits } from "../testing/lock-waits.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import {
  create,
  createItem,
  createTestWorkspace,
  startLiveRun,
  type TestWorkspace,
} from "../testing/test-workspace.ts";
import { listPages } from "./page-store.ts";

// Hashes of passwords take long on a loaded machine.
setDefaultTimeout(60_000);

let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
const at = "/api/v1/workspaces/PAGE/pages";
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "PAGE");
  await create(admin, "/api/v1/workspaces", { key: "ELSE", name: "x" });
});
afterAll(() => server.close());

const write = (page: object = {}) => create<PageDetail>(admin, at, { title: "Notes", ...page });
const link = (client: TestClient, key: string, page: number, method = "PUT") =>
  client.send(method, `/api/v1/items/${key}/pages/${page}`, {});

describe("a page", () => {
  test("is read back as it was written", async () => {
    const body = "# Über\r\n\n- é 🙂\n";
    const page = await write({ title: "Plan", body });
    expect((await admin.get(`/api/v1/pages/${page.id}`)).body).toMatchObject({
      title: "Plan",
      body,
      parent_id: null,
      version: 1,
      workspace: "PAGE",
      creator: { name: "Ada" },
      backlinks: [],
    });
  });

  test("keeps its versions, each with its text", async () => {
    const page = await write({ body: "one" });
    await admin.patch(`/api/v1/pages/${page.id}`, { body: "two", version: 1 });
    await admin.patch(`/api/v1/pages/${page.id}`, { title: "Other", version: 2 });
    await admin.patch(`/api/v1/pages/${page.id}`, { title: "Other", version: 3 });
    const { body } = await admin.get<PageVersions>(`/api/v1/pages/${page.id}/versions`);
    expect(body.versions.map(({ version, title }) => [version, title])).toEqual([
      [3, "Other"],
      [2, "Notes"],
      [1, "Notes"],
    ]);
    const first = await admin.get<PageVersion>(`/api/v1/pages/${page.id}/versions/1`);
    expect(first.body).toMatchObject({ title: "Notes", body: "one", editor: { name: "Ada" } });
    expect((await admin.get(`/api/v1/pages/${page.id}/versions/4`)).status).toBe(404);
    expect((await admin.get(`/api/v1/pages/${page.id}/versions/x`)).status).toBe(404);
  });

  test("is changed by one of several who had the same version; the others see what is there now", async () => {
    const page = await write({ body: "start" });
    const replies = await Promise.all(
      Array.from({ length: 5 }, (_, n) =>
        admin.patch(`/api/v1/pages/${page.id}`, { body: `by ${n}`, version: 1 }),
      ),
    );
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    const now = (await admin.get<PageDetail>(`/api/v1/pages/${page.id}`)).body;
    const late = replies.find(({ status }) => status === 409);
    expect(late?.body).toMatchObject({
      error: {
        details: [{ path: "version", message: "2" }, { path: "title" }, { path: "body", message: now.body }],
      },
    });
    const blind = await admin.patch(`/api/v1/pages/${page.id}`, { body: "x" });
    expect([blind.status, blind.body]).toMatchObject([400, { error: { details: [{ path: "version" }] } }]);
  });

  test("holds its text to its limit, and takes no field that is not the caller's to set", async () => {
    expect((await admin.post(at, { title: "x", body: "é".repeat(131_073) })).status).toBe(400);
    expect((await admin.post(at, { title: "x", body: "é".repeat(131_072) })).status).toBe(201);
    const page = await write();
    for (const field of [{ workspace_id: 2 }, { creator_id: "x" }, { editor: "x" }, { id: 1 }]) {
      expect((await admin.post(at, { title: "x", ...field })).status).toBe(400);
      expect((await admin.patch(`/api/v1/pages/${page.id}`, { version: 1, ...field })).status).toBe(400);
    }
  });

  test("is deleted by who made it or an admin; what lay under it comes to lie where it lay", async () => {
    const top = await write();
    const middle = await write({ parent_id: top.id });
    const below = await write({ parent_id: middle.id });
    const { id, client } = await server.addPerson(admin, "Pia");
    await admin.post("/api/v1/workspaces/PAGE/members", { user_id: id, role: "member" });
    expect((await client.delete(`/api/v1/pages/${middle.id}`)).status).toBe(403);
    expect((await admin.delete(`/api/v1/pages/${middle.id}`)).status).toBe(204);
    expect((await admin.get(`/api/v1/pages/${middle.id}`)).status).toBe(404);
    expect((await admin.get<PageDetail>(`/api/v1/pages/${below.id}`)).body.parent_id).toBe(top.id);
  });
});

describe("the tree of pages", () => {
  test("has no page below itself, none in another workspace, and is ten deep at most", async () => {
    const tower = [await write()];
    for (let n = 1; n < 10; n++) tower.push(await write({ parent_id: tower.at(-1)?.id }));
    const [first, second] = tower;
    const patch = (id: number | undefined, parent: number | undefined) =>
      admin.patch(`/api/v1/pages/${id}`, { parent_id: parent });
    expect((await admin.post(at, { title: "x", parent_id: tower.at(-1)?.id })).status).toBe(400);
    expect((await patch(first?.id, tower.at(-1)?.id)).status).toBe(400);
    expect((await patch(first?.id, first?.id)).status).toBe(400);
    const top = await write();
    expect((await patch(first?.id, top.id)).status).toBe(400);
    expect((await patch(second?.id, top.id)).status).toBe(200);
    const theirs = await create<PageDetail>(admin, "/api/v1/workspaces/ELSE/pages", { title: "x" });
    expect((await patch(top.id, theirs.id)).status).toBe(400);
    expect((await admin.post(at, { title: "x", parent_id: 99_999 })).status).toBe(400);
  });
});

describe("a list of pages", () => {
  test("comes newest first, page by page, and is searched by title and text", async () => {
    const [a, b] = [await write({ title: "Zebra 100%" }), await write({ body: "wild ZEBRA\n" })];
    const found = await admin.get<PageList>(`${at}?q=zebra&limit=1`);
    expect(found.body.pages.map(({ id }) => id)).toEqual([b.id]);
    const rest = await admin.get<PageList>(`${at}?q=zebra&limit=2&before=${found.body.next_before}`);
    expect([rest.body.pages.map(({ id }) => id), rest.body.next_before]).toEqual([[a.id], null]);
    expect((await admin.get<PageList>(`${at}?q=${encodeURIComponent("100%")}`)).body.pages).toHaveLength(1);
    expect((await admin.get<PageList>(`${at}?q=${encodeURIComponent("' OR 1=1")}`)).body.pages).toEqual([]);
  });
});

test("a search goes through many pages, of this workspace alone, and lets others work meanwhile", async () => {
  await create(admin, "/api/v1/workspaces", { key: "LONG", name: "x" });
  const first = await create<PageDetail>(admin, "/api/v1/workspaces/LONG/pages", { title: "Needle" });
  const { kysely, engine } = server.database;
  await sql`with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000)
    insert into pages (workspace_id, title, body, search_text, version, creator_id, editor_id, created_at_ms, updated_at_ms)
    select workspace_id, 'Hay ' || i, '', 'hay ' || i, 1, creator_id, editor_id, 1, 1 from pages, n
    where pages.id = ${first.id}`.execute(kysely);
  const titles = async (query: string) =>
    (await admin.get<PageList>(`/api/v1/workspaces/LONG/pages?${query}`)).body.pages.map(
      ({ title }) => title,
    );
  expect(await titles("q=needle")).toEqual(["Needle"]);
  expect(await titles("q=hay%2077&limit=3")).toEqual(["Hay 977", "Hay 877", "Hay 779"]);
  const { workspace_id } = await kysely
    .selectFrom("pages")
    .select("workspace_id")
    .where("id", "=", first.id)
    .executeTakeFirstOrThrow();
  let turns = 0;
  let over = false;
  const count = () => {
    turns += 1;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  const none = await listPages(server.database, workspace_id, {
    words: ["nowhere"],
    before: undefined,
    limit: 50,
  });
  over = true;
  expect(none.pages).toEqual([]);
  // One turn between any two windows; PostgreSQL looks by itself.
  expect(turns).toBeGreaterThanOrEqual(engine === "sqlite" ? 10 : 1);
});

describe("a page that is linked to an item", () => {
  test("is named on the item, and names it", async () => {
    const [item, page] = [await createItem(admin, "PAGE", { title: "Do it" }), await write({ title: "How" })];
    for (let n = 0; n < 2; n++) expect((await link(admin, item.key, page.id)).status).toBe(200);
    const linked = (await admin.get<WorkItemDetail>(`/api/v1/items/${item.key}`)).body.linked_pages;
    expect(linked).toEqual([{ id: page.id, title: "How" }]);
    const { body } = await admin.get<PageDetail>(`/api/v1/pages/${page.id}`);
    expect(body.backlinks).toEqual([{ key: item.key, title: "Do it", status: "todo" }]);
    await link(admin, item.key, page.id, "DELETE");
    expect((await admin.get<WorkItemDetail>(`/api/v1/items/${item.key}`)).body.linked_pages).toEqual([]);
  });

  test("is of the same workspace, and they are twenty at most", async () => {
    const item = await createItem(admin, "PAGE");
    const theirs = await create<PageDetail>(admin, "/api/v1/workspaces/ELSE/pages", { title: "x" });
    expect((await link(admin, item.key, theirs.id)).status).toBe(404);
    expect((await link(admin, item.key, 99_999)).status).toBe(404);
    for (let n = 0; n < 20; n++) expect((await link(admin, item.key, (await write()).id)).status).toBe(200);
    expect((await link(admin, item.key, (await write()).id)).status).toBe(409);
  });

  test("is not there when it is being deleted", async () => {
    const item = await createItem(admin, "PAGE");
    const page = await write();
    const { database } = server;
    const linking = await database.transaction(async (tx) => {
      await tx.deleteFrom("pages").where("id", "=", page.id).execute();
      const reply = link(admin, item.key, page.id);
      await untilAnotherWaits(database, tx);
      return { reply };
    });
    expect((await linking.reply).status).toBe(404);
  });

  test("PI-05 is read by the item's run, which sees no other page and not where else it is linked", async () => {
    const [page, other] = [await write({ body: "read me" }), await write()];
    const elsewhere = await createItem(admin, "PAGE", { title: "Not yours" });
    const live = await startLiveRun(server, admin, workspace);
    for (const key of [live.item.key, elsewhere.key]) await link(admin, key, page.id);
    const run = server.withToken(live.token);
    const own = `/api/v1/items/${live.item.key}/pages`;
    expect((await run.get<{ pages: { id: number }[] }>(own)).body.pages.map(({ id }) => id)).toEqual([
      page.id,
    ]);
    expect((await run.get(`${own}/${page.id}`)).body).toMatchObject({ body: "read me", backlinks: [] });
    expect((await admin.get<PageDetail>(`${own}/${page.id}`)).body.backlinks).toHaveLength(2);
    for (const path of [
      `${own}/${other.id}`,
      `/api/v1/pages/${page.id}`,
      `/api/v1/items/${elsewhere.key}/pages/${page.id}`,
      at,
    ])
      expect([path, (await run.get(path)).status]).toEqual([path, 404]);
    expect((await link(run, live.item.key, other.id)).status).toBe(404);
    expect((await run.patch(`/api/v1/pages/${page.id}`, { body: "x", version: 1 })).status).toBe(404);
    await admin.post(`/api/v1/agent-runs/${live.runId}/cancel`, { force: true });
  });
});
