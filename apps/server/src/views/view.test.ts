import { afterAll, beforeAll, expect, test } from "bun:test";
import type { SavedView, ViewList } from "@windshift/contract/api/view.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { create } from "../testing/test-workspace.ts";

let server: TestServer;
let admin: TestClient;
let member: TestClient;
let viewer: TestClient;
const at = "/api/v1/workspaces/VIEW/views";
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  await create(admin, "/api/v1/workspaces", { key: "VIEW", name: "x" });
  const join = async (name: string, role: string) => {
    const { id, client } = await server.addPerson(admin, name);
    await admin.post("/api/v1/workspaces/VIEW/members", { user_id: id, role });
    return client;
  };
  member = await join("Member", "member");
  viewer = await join("Viewer", "viewer");
});
afterAll(() => server.close());

const names = async (client: TestClient) =>
  (await client.get<ViewList>(at)).body.views.map(({ name }) => name);

test("a view is read back as it was saved", async () => {
  const wanted = {
    name: "Mine",
    layout: "board",
    query: { status: ["todo", "in_progress"], assignee: ["me"], q: "parser", sort: "priority", order: "asc" },
    shared: false,
  };
  const view = await create<SavedView>(member, at, wanted);
  expect(view).toMatchObject({ ...wanted, owner: { name: "Member" } });
  const patched = await member.patch<SavedView>(`/api/v1/views/${view.id}`, { query: { label: ["3"] } });
  expect(patched.body).toMatchObject({ name: "Mine", layout: "board", query: { label: ["3"] } });
  expect((await member.delete<ViewList>(`/api/v1/views/${view.id}`)).body.views).toEqual([]);
});

test("a view holds the filters of a list and nothing else", async () => {
  for (const query of [
    { status: ["gone"] },
    { status: "todo" },
    { sql: "x" },
    { q: "x".repeat(201) },
    undefined,
  ])
    expect([query, (await admin.post(at, { name: "x", query })).status]).toEqual([query, 400]);
});

test("a view is its owner's until it is shared, and theirs and an admin's to change then", async () => {
  const own = await create<SavedView>(member, at, { name: "Private", query: {} });
  const shared = await create<SavedView>(member, at, { name: "Shared", query: {}, shared: true });
  expect(await names(viewer)).toEqual(["Shared"]);
  expect(await names(member)).toEqual(["Private", "Shared"]);
  const none = await admin.patch("/api/v1/views/99999", { name: "x" });
  const hidden = await admin.patch(`/api/v1/views/${own.id}`, { name: "x" });
  expect([hidden.status, hidden.text]).toEqual([404, none.text]);
  expect((await viewer.patch(`/api/v1/views/${shared.id}`, { name: "x" })).status).toBe(403);
  expect((await viewer.delete(`/api/v1/views/${shared.id}`)).status).toBe(403);
  expect((await admin.patch(`/api/v1/views/${shared.id}`, { name: "Ours" })).status).toBe(200);
  expect((await admin.delete(`/api/v1/views/${shared.id}`)).status).toBe(200);
});

test("a viewer keeps views of their own and shares none", async () => {
  expect((await viewer.post(at, { name: "x", query: {}, shared: true })).status).toBe(403);
  const own = await create<SavedView>(viewer, at, { name: "x", query: {} });
  expect((await viewer.patch(`/api/v1/views/${own.id}`, { shared: true })).status).toBe(403);
  expect((await viewer.patch(`/api/v1/views/${own.id}`, { layout: "board" })).status).toBe(200);
});
