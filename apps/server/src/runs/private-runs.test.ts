import { afterAll, beforeAll, expect, test } from "bun:test";
import type { AgentRun } from "@windshift/contract/api/run.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { create, createItem, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";

let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
let viewer: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "PRIV");
  const bob = await server.addPerson(admin, "Bob");
  await admin.post("/api/v1/workspaces/PRIV/members", { user_id: bob.id, role: "member" });
  viewer = bob.client;
});
afterAll(() => server.close());

test("a private test run, its item and its prompt are there for admins and for nobody else", async () => {
  const at = `/api/v1/bindings/${workspace.binding.id}/test-runs`;
  const run = await create<AgentRun>(admin, at, { instruction: "Try it" });
  const paths = ["", "/prompt", "/events", "/usage", "/transcript.jsonl"].map(
    (rest) => `/api/v1/agent-runs/${run.id}${rest}`,
  );
  for (const path of [
    ...paths,
    `/api/v1/items/${run.item_key}`,
    `/api/v1/items/${run.item_key}/agent-runs`,
  ]) {
    expect([path, (await admin.get(path)).status]).toEqual([path, 200]);
    const refused = await viewer.get(path);
    const nothing = await viewer.get(path.replace(/\d+/g, (digits) => (digits === "1" ? digits : "999999")));
    expect([path, refused.status, refused.text]).toEqual([path, 404, nothing.text]);
  }
  expect((await viewer.post(`/api/v1/agent-runs/${run.id}/cancel`, {})).status).toBe(404);
});

test("an ordinary run stays open to members", async () => {
  const item = await createItem(admin, "PRIV", { assignee_id: workspace.agent.id });
  const { runs } = (await viewer.get<{ runs: AgentRun[] }>(`/api/v1/items/${item.key}/agent-runs`)).body;
  expect((await viewer.get(`/api/v1/agent-runs/${runs[0]?.id}`)).status).toBe(200);
});
