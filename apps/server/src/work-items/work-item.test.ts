import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { CommentPage } from "@windshift/contract/api/comment.ts";
import type { AgentRunList } from "@windshift/contract/api/run.ts";
import type { WorkItemDetail, WorkItemPage } from "@windshift/contract/api/work-item.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { createItem, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";

let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "ITEM");
});
afterAll(() => server.close());

async function runsOf(item: { key: string }) {
  return (await admin.get<AgentRunList>(`/api/v1/items/${item.key}/agent-runs`)).body.runs;
}

describe("a work item", () => {
  test("is read back as it was written", async () => {
    const written = {
      title: "Fix the parser",
      description: "It **fails** on `é` and 🙂.\r\n\n- a\n",
      status: "in_progress",
    };
    const item = await createItem(admin, "ITEM", written);
    expect((await admin.get(`/api/v1/items/${item.key}`)).body).toMatchObject({
      ...written,
      key: item.key,
      workspace: "ITEM",
      assignee: null,
      creator: { name: "Ada", kind: "person" },
      links: [],
      comments_count: 0,
    });
  });

  test("changes where the patch says so and nowhere else", async () => {
    const item = await createItem(admin, "ITEM", { description: "keep me" });
    const { body } = await admin.patch<WorkItemDetail>(`/api/v1/items/${item.key}`, { status: "done" });
    expect(body).toMatchObject({ status: "done", title: item.title, description: "keep me" });
    expect(new Date(body.updated_at).getTime()).toBeGreaterThanOrEqual(new Date(item.updated_at).getTime());
  });

  test("gets the next number also when many are made at once", async () => {
    const first = await createItem(admin, "ITEM");
    const made = await Promise.all(Array.from({ length: 20 }, () => createItem(admin, "ITEM")));
    const from = Number(first.key.split("-")[1]);
    const numbers = made.map((item) => Number(item.key.split("-")[1])).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, n) => from + 1 + n));
  });

  test("that is refused uses up no number", async () => {
    const before = await createItem(admin, "ITEM");
    expect(
      (await admin.post("/api/v1/workspaces/ITEM/items", { title: "x", assignee_id: "nobody" })).status,
    ).toBe(400);
    const after = await createItem(admin, "ITEM");
    expect(Number(after.key.split("-")[1])).toBe(Number(before.key.split("-")[1]) + 1);
  });

  test("is listed newest first, page by page, each once", async () => {
    const seen: string[] = [];
    for (let before: string | null = ""; before !== null; ) {
      const query: string = before === "" ? "" : `&before=${before}`;
      const { body } = await admin.get<WorkItemPage>(`/api/v1/workspaces/ITEM/items?limit=7${query}`);
      seen.push(...body.items.map((item) => item.key));
      before = body.next_before;
    }
    const numbers = seen.map((key) => Number(key.split("-")[1]));
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, n) => numbers.length - n));
  });

  test("is listed by status and assignee", async () => {
    const item = await createItem(admin, "ITEM", { status: "in_review", assignee_id: workspace.agent.id });
    const query = `status=in_review&assignee=${workspace.agent.id}`;
    const { body } = await admin.get<WorkItemPage>(`/api/v1/workspaces/ITEM/items?${query}`);
    expect(body.items.map((i) => i.key)).toEqual([item.key]);
  });

  test("WB-15 takes no field that is not the caller's to set", async () => {
    const item = await createItem(admin, "ITEM");
    for (const field of [
      { number: 1 },
      { workspace_id: 99 },
      { creator_id: "x" },
      { created_at: "x" },
      { id: 7 },
      { __proto__x: 1 },
    ]) {
      expect((await admin.post("/api/v1/workspaces/ITEM/items", { title: "x", ...field })).status).toBe(400);
      expect((await admin.patch(`/api/v1/items/${item.key}`, field)).status).toBe(400);
    }
  });

  test("holds titles and descriptions to their limits", async () => {
    const post = async (body: object) => (await admin.post("/api/v1/workspaces/ITEM/items", body)).status;
    expect(await post({ title: "x".repeat(500) })).toBe(201);
    expect(await post({ title: "x".repeat(501) })).toBe(400);
    expect(await post({ title: "two\nlines" })).toBe(400);
    expect(await post({ title: "nul\0" })).toBe(400);
    expect(await post({ title: "x", description: "é".repeat(131_072) })).toBe(201);
    expect(await post({ title: "x", description: "é".repeat(131_073) })).toBe(400);
    expect(await post({ title: "x", description: "nul \0" })).toBe(400);
  });
});

describe("an assignment to an agent", () => {
  test("queues a run in the name of the person who made it", async () => {
    const item = await createItem(admin, "ITEM");
    await admin.patch(`/api/v1/items/${item.key}`, { assignee_id: workspace.agent.id });
    expect(await runsOf(item)).toMatchObject([
      {
        status: "queued",
        trigger: "assignee",
        agent: { user_id: workspace.agent.id },
        requested_by: { name: "Ada" },
      },
    ]);
  });

  test("at the making of the item queues a run as well", async () => {
    expect(await runsOf(await createItem(admin, "ITEM", { assignee_id: workspace.agent.id }))).toHaveLength(
      1,
    );
  });

  test("that changes nothing starts nothing", async () => {
    const item = await createItem(admin, "ITEM", { assignee_id: workspace.agent.id });
    await admin.patch(`/api/v1/items/${item.key}`, { assignee_id: workspace.agent.id, title: "Other words" });
    const rows = await server.database.kysely.selectFrom("run_messages").selectAll().execute();
    expect(await runsOf(item)).toHaveLength(1);
    expect(rows).toEqual([]);
  });

  test("made by many at once queues one run", async () => {
    const item = await createItem(admin, "ITEM");
    const patch = () => admin.patch(`/api/v1/items/${item.key}`, { assignee_id: workspace.agent.id });
    const replies = await Promise.all(Array.from({ length: 8 }, patch));
    expect(replies.map((r) => r.status)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(await runsOf(item)).toHaveLength(1);
  });

  test("WB-17 is not a viewer's to make, nor is a comment", async () => {
    const { id, client } = await server.addPerson(admin, "Vera");
    await admin.post("/api/v1/workspaces/ITEM/members", { user_id: id, role: "viewer" });
    const item = await createItem(admin, "ITEM");
    expect(
      (await client.patch(`/api/v1/items/${item.key}`, { assignee_id: workspace.agent.id })).status,
    ).toBe(403);
    expect(
      (await client.post("/api/v1/workspaces/ITEM/items", { title: "x", assignee_id: workspace.agent.id }))
        .status,
    ).toBe(403);
    expect((await client.post(`/api/v1/items/${item.key}/comments`, { body: "go" })).status).toBe(403);
    expect((await client.post(`/api/v1/items/${item.key}/agent-runs`, {})).status).toBe(403);
    expect(await runsOf(item)).toEqual([]);
  });
});

describe("comments", () => {
  test("are read oldest first, page by page, with their authors", async () => {
    const item = await createItem(admin, "ITEM");
    for (const body of ["one", "two", "three"])
      await admin.post(`/api/v1/items/${item.key}/comments`, { body });
    const first = await admin.get<CommentPage>(`/api/v1/items/${item.key}/comments?limit=2`);
    expect(first.body.comments.map((c) => [c.body, c.author.name, c.run_id])).toEqual([
      ["one", "Ada", null],
      ["two", "Ada", null],
    ]);
    const rest = await admin.get<CommentPage>(
      `/api/v1/items/${item.key}/comments?limit=2&after=${first.body.next_after}`,
    );
    expect(rest.body.comments.map((c) => c.body)).toEqual(["three"]);
    expect(rest.body.next_after).toBeNull();
    expect((await admin.get<WorkItemDetail>(`/api/v1/items/${item.key}`)).body.comments_count).toBe(3);
  });

  test("hold text, and not too much of it", async () => {
    const item = await createItem(admin, "ITEM");
    const post = async (body: unknown) =>
      (await admin.post(`/api/v1/items/${item.key}/comments`, { body })).status;
    expect([await post(""), await post(" \n"), await post(7), await post("x".repeat(65_537))]).toEqual([
      400, 400, 400, 400,
    ]);
    expect(await post("x".repeat(65_536))).toBe(201);
  });
});
