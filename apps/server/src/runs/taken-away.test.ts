import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import type { Pool } from "@windshift/contract/api/pool.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { COMPLETED_RESULT } from "../testing/completed-result.ts";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, eventOf, type TestHost } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { createItem, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";

/** F36: what a run stands on is taken away while it works. Either that is refused, or the run has a defined end and its token none but that. */
setDefaultTimeout(180_000);

const WAIT_MS_MAX = 60_000;

let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
let pool: Pool;
let host: TestHost;
let job: JobSpec;

beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "TAKEN");
  pool = await createPool(admin, { name: "hosts" });
  await admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { pool: "hosts" });
});
afterAll(() => server.close());
beforeEach(async () => {
  await server.database.kysely.deleteFrom("runs").execute();
  host = await addHost(server, admin, pool);
  await createItem(admin, workspace.key, { assignee_id: workspace.agent.id });
  job = await host.claimed();
});

/** What the agent's token opens of its item. */
async function tokenStatus(): Promise<number> {
  return (await server.withToken(job.tokens.agent).get(`/api/v1/items/${job.env.WINDSHIFT_ITEM_KEY}`)).status;
}

async function runStatus(): Promise<string> {
  const { body } = await admin.get<{ status: string }>(`/api/v1/agent-runs/${job.run_id}`);
  return body.status;
}

/** The rest of the run, as if nothing had been. */
async function work(): Promise<number[]> {
  const { run_id: run, attempt } = job;
  return [
    (await host.events(run, attempt, [eventOf(1)])).status,
    (await host.result(run, { ...COMPLETED_RESULT, attempt })).status,
  ];
}

const isDead = () => eventually("the token is dead", async () => (await tokenStatus()) === 401, WAIT_MS_MAX);

test("F36 a pool in which a run works is not deleted, and the run goes on", async () => {
  const refused = await admin.delete<{ error: { message: string } }>(`/api/v1/admin/pools/${pool.id}`);
  expect([refused.status, refused.body.error.message]).toEqual([409, expect.stringContaining("bindings")]);
  expect(await tokenStatus()).toBe(200);
  expect(await work()).toEqual([200, 200]);
  await isDead();
});

test("F36 a pool that is closed to the workspace of a run that works lets that run end, and no other begin", async () => {
  await createTestWorkspace(admin, "OTHER");
  const admit = (...workspaces: string[]) => admin.patch(`/api/v1/admin/pools/${pool.id}`, { workspaces });
  expect((await admit("OTHER")).status).toBe(200);
  expect(await tokenStatus()).toBe(200);
  expect(await work()).toEqual([200, 200]);
  await isDead();
  await createItem(admin, workspace.key, { assignee_id: workspace.agent.id });
  expect((await host.claim()).body.job).toBeNull();
  expect((await admit()).status).toBe(200);
});

test("F36 a run whose agent was taken from the workspace ends with what it was given, and starts no other", async () => {
  const { id } = workspace.binding;
  expect((await admin.delete(`/api/v1/bindings/${id}`)).status).toBe(204);
  expect([await runStatus(), await tokenStatus()]).toEqual(["running", 200]);
  expect(await work()).toEqual([200, 200]);
  await isDead();
  const { body } = await createItem(admin, workspace.key, { assignee_id: workspace.agent.id }).then(
    ({ key }) => admin.get<{ runs: { status: string }[] }>(`/api/v1/items/${key}/agent-runs`),
  );
  expect(body.runs.every(({ status }) => status === "failed")).toBe(true);
});
