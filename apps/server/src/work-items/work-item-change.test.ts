import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Label } from "@windshift/contract/api/label.ts";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import {
  create,
  createItem,
  createTestWorkspace,
  startLiveRun,
  type TestWorkspace,
} from "../testing/test-workspace.ts";

let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "EDIT");
});
afterAll(() => server.close());

const read = async (key: string) => (await admin.get<WorkItemDetail>(`/api/v1/items/${key}`)).body;
const patch = (key: string, body: object) => admin.patch<WorkItemDetail>(`/api/v1/items/${key}`, body);
const label = (name: string) => create<Label>(admin, "/api/v1/workspaces/EDIT/labels", { name });

describe("labels and priority", () => {
  test("are what the last change says", async () => {
    const [a, b, c] = [await label("a"), await label("b"), await label("c")];
    const item = await createItem(admin, "EDIT", { label_ids: [b.id, a.id, a.id], priority: "low" });
    expect([item.labels.map(({ name }) => name), item.priority]).toEqual([["a", "b"], "low"]);
    const { body } = await patch(item.key, { label_ids: [c.id, b.id], priority: "urgent" });
    expect([body.labels.map(({ name }) => name), body.priority]).toEqual([["b", "c"], "urgent"]);
    expect((await patch(item.key, { label_ids: [] })).body.labels).toEqual([]);
  });

  test("that are not the workspace's are refused, and nothing is changed", async () => {
    const item = await createItem(admin, "EDIT");
    const reply = await patch(item.key, { title: "Other", label_ids: [99_999] });
    expect([reply.status, (await read(item.key)).title]).toEqual([400, "Fix it"]);
    expect((await patch(item.key, { label_ids: Array.from({ length: 21 }, (_, n) => n + 1) })).status).toBe(
      400,
    );
  });
});

describe("sub-items", () => {
  test("are listed on the item they lie under, which they name", async () => {
    const parent = await createItem(admin, "EDIT", { title: "Goal" });
    const child = await createItem(admin, "EDIT", { title: "Step", parent_key: parent.key });
    await createItem(admin, "EDIT", { status: "canceled", parent_key: parent.key });
    expect(await read(parent.key)).toMatchObject({
      children_count: 2,
      children_done_count: 1,
      children: [{ key: child.key, title: "Step", status: "todo", assignee: null }, { status: "canceled" }],
    });
    expect(child.parent).toEqual({ key: parent.key, title: "Goal", status: "todo" });
    expect((await patch(child.key, { parent_key: null })).body.parent).toBeNull();
    expect((await read(parent.key)).children_count).toBe(1);
  });

  test("lie under no item that lies under them, also when two are moved at once", async () => {
    const a = await createItem(admin, "EDIT");
    const b = await createItem(admin, "EDIT", { parent_key: a.key });
    const c = await createItem(admin, "EDIT", { parent_key: b.key });
    expect((await patch(a.key, { parent_key: c.key })).status).toBe(400);
    expect((await patch(a.key, { parent_key: a.key })).status).toBe(400);
    const [x, y] = [await createItem(admin, "EDIT"), await createItem(admin, "EDIT")];
    const replies = await Promise.all([
      patch(x.key, { parent_key: y.key }),
      patch(y.key, { parent_key: x.key }),
    ]);
    expect(replies.map((reply) => reply.status).sort()).toEqual([200, 400]);
  });

  test("lie five deep at most, moved or made", async () => {
    const tower = [await createItem(admin, "EDIT")];
    for (let n = 1; n < 5; n++)
      tower.push(await createItem(admin, "EDIT", { parent_key: tower.at(-1)?.key }));
    const deepest = tower.at(-1)?.key;
    const at = "/api/v1/workspaces/EDIT/items";
    expect((await admin.post(at, { title: "x", parent_key: deepest })).status).toBe(400);
    const top = await createItem(admin, "EDIT");
    const reply = await patch(tower[0]?.key ?? "", { parent_key: top.key });
    expect([reply.status, reply.text]).toEqual([400, expect.stringContaining("at most 5 deep")]);
    expect((await patch(tower[1]?.key ?? "", { parent_key: top.key })).status).toBe(200);
  });
});

describe("a text that two people change", () => {
  test("is not overwritten by who did not see the other's change, and who is refused sees it", async () => {
    const item = await createItem(admin, "EDIT", { description: "first" });
    const seen = item.updated_at;
    expect((await patch(item.key, { description: "mine", expected_updated_at: seen })).status).toBe(200);
    const late = await patch(item.key, { description: "yours", expected_updated_at: seen });
    expect([late.status, late.body]).toMatchObject([
      409,
      { error: { code: "conflict", details: [{ path: "description", message: "mine" }] } },
    ]);
    expect((await read(item.key)).description).toBe("mine");
    const { updated_at } = await read(item.key);
    expect((await patch(item.key, { description: "yours", expected_updated_at: updated_at })).status).toBe(
      200,
    );
  });

  test("is not in the way of other changes, nor are they in its", async () => {
    const item = await createItem(admin, "EDIT", { description: "first" });
    await admin.post(`/api/v1/items/${item.key}/comments`, { body: "hm" });
    await patch(item.key, { status: "in_progress" });
    const seen = { expected_updated_at: item.updated_at };
    expect((await patch(item.key, { description: "second", ...seen })).status).toBe(200);
    expect((await patch(item.key, { status: "done", ...seen })).status).toBe(200);
  });

  test("changed at once is changed by one of them", async () => {
    const item = await createItem(admin, "EDIT");
    const replies = await Promise.all(
      Array.from({ length: 6 }, (_, n) =>
        patch(item.key, { description: `by ${n}`, expected_updated_at: item.updated_at }),
      ),
    );
    expect(replies.filter((reply) => reply.status === 200)).toHaveLength(1);
  });
});

describe("what a run is to be like", () => {
  test("can be said only to an agent", async () => {
    const me = (await admin.get<{ id: string }>("/api/v1/me")).body.id;
    const item = await createItem(admin, "EDIT");
    for (const body of [{ run: {} }, { run: {}, assignee_id: me }, { run: {}, assignee_id: null }]) {
      const reply = await patch(item.key, body);
      expect([reply.status, reply.text]).toEqual([400, expect.stringContaining("an assignment to an agent")]);
    }
    expect((await read(item.key)).assignee).toBeNull();
  });
});

describe("an item that is deleted", () => {
  test("is gone with its text and comments, and its number is not given out again", async () => {
    const item = await createItem(admin, "EDIT", { title: "Oops, a password", description: "hunter2" });
    const child = await createItem(admin, "EDIT", { parent_key: item.key });
    await admin.post(`/api/v1/items/${item.key}/comments`, { body: "hunter2" });
    expect((await admin.delete(`/api/v1/items/${item.key}`)).status).toBe(204);
    const missing = await admin.get("/api/v1/items/EDIT-9999");
    for (const path of ["", "/comments", "/activity", "/agent-runs"]) {
      const reply = await admin.get(`/api/v1/items/${item.key}${path}`);
      expect([reply.status, reply.text]).toEqual([404, missing.text]);
    }
    expect((await read(child.key)).parent).toBeNull();
    const next = await createItem(admin, "EDIT");
    expect(Number(next.key.split("-")[1])).toBeGreaterThan(Number(child.key.split("-")[1]));
    const db = server.database.kysely;
    const stored = [
      await db.selectFrom("work_items").selectAll().where("id", "=", item.id).execute(),
      await db.selectFrom("comments").selectAll().where("work_item_id", "=", item.id).execute(),
      await db.selectFrom("item_search").selectAll().where("work_item_id", "=", item.id).execute(),
      await db.selectFrom("activity").selectAll().where("work_item_id", "=", item.id).execute(),
    ];
    expect(JSON.stringify(stored)).not.toMatch(/hunter2|password/);
  });

  test("is so by who made it or an admin, and not while a run works on it", async () => {
    const { id, client } = await server.addPerson(admin, "Mel");
    await admin.post("/api/v1/workspaces/EDIT/members", { user_id: id, role: "member" });
    const [hers, ours] = [await createItem(client, "EDIT"), await createItem(admin, "EDIT")];
    expect((await client.delete(`/api/v1/items/${ours.key}`)).status).toBe(403);
    expect((await client.delete(`/api/v1/items/${hers.key}`)).status).toBe(204);
    const live = await startLiveRun(server, admin, workspace);
    expect((await admin.delete(`/api/v1/items/${live.item.key}`)).status).toBe(409);
    await admin.post(`/api/v1/agent-runs/${live.runId}/cancel`, { force: true });
    expect((await admin.delete(`/api/v1/items/${live.item.key}`)).status).toBe(204);
    expect((await admin.get(`/api/v1/agent-runs/${live.runId}/usage`)).status).toBe(200);
  });
});
