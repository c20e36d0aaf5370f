import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { AgentRunPage } from "@windshift/contract/api/run.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { createItem, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";

/** A server, git and a workspace for each file; a loaded machine takes long for them, ms. */
setDefaultTimeout(60_000);

let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "MANY");
});
afterAll(() => server.close());

test("the runs of an item come in pages, newest first, and a rerun is of the newest one's agent", async () => {
  const item = await createItem(admin, "MANY", { assignee_id: workspace.agent.id });
  const { kysely } = server.database;
  const { id: first, ...row } = await kysely.selectFrom("runs").selectAll().executeTakeFirstOrThrow();
  const ended = { ...row, status: "failed", reason: "blocked" };
  await kysely.updateTable("runs").set(ended).execute();
  await kysely
    .insertInto("runs")
    .values(Array.from({ length: 59 }, () => ended))
    .execute();
  const page = async (query: string) =>
    (await admin.get<AgentRunPage>(`/api/v1/items/${item.key}/agent-runs${query}`)).body;

  const newest = await page("");
  expect(newest.runs).toHaveLength(50);
  expect(newest.runs.map(({ id }) => id)).toEqual(Array.from({ length: 50 }, (_, at) => first + 59 - at));
  const rest = await page(`?before=${newest.next_before}`);
  expect(rest.runs.map(({ id }) => id)).toEqual(Array.from({ length: 10 }, (_, at) => first + 9 - at));
  expect(rest.next_before).toBeNull();
  expect((await page("?limit=3")).runs).toHaveLength(3);

  await admin.patch(`/api/v1/items/${item.key}`, { assignee_id: null });
  const again = await admin.post(`/api/v1/items/${item.key}/agent-runs`, {});
  expect(again.body).toMatchObject({ trigger: "rerun", agent: { user_id: workspace.agent.id } });
});
