import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { AgentList } from "@windshift/contract/api/agent.ts";
import type { AgentRun, AgentRunDetail } from "@windshift/contract/api/run.ts";
import type { UserRef } from "@windshift/contract/api/user.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, type TestHost } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import {
  create,
  createItem,
  createTestWorkspace,
  startLiveRun,
  type TestWorkspace,
} from "../testing/test-workspace.ts";

/** A server, git and a workspace for each file; a loaded machine takes long for them, ms. */
setDefaultTimeout(60_000);

interface Refusal {
  error: { code: string; message: string; details?: { path: string }[] };
}
let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
/** A second agent of the workspace, bound like the first. */
let other: UserRef;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "TRIG");
  other = await create<UserRef>(admin, "/api/v1/workspaces/TRIG/agents", { name: "Second Agent" });
  await create(admin, "/api/v1/workspaces/TRIG/bindings", {
    agent_user_id: other.id,
    repository_id: workspace.repository.id,
    llm_connection_id: workspace.llm.id,
    model: "scripted-2",
  });
  await gitOut(
    ["push", "--quiet", workspace.repository.path ?? "", "HEAD:refs/heads/release/1"],
    workspace.workDir,
  );
  const models = `/api/v1/connections/${workspace.llm.id}/models/listed-1`;
  const put = await admin.send("PUT", models, { input_price: 1, output_price: 1 });
  expect([put.status, put.text]).toEqual([expect.any(Number), expect.not.stringContaining("error")]);
});
afterAll(() => server.close());
beforeEach(async () => {
  await server.database.kysely.deleteFrom("comments").execute();
  await server.database.kysely.deleteFrom("runs").execute();
});

const runsOf = async (key: string) =>
  (await admin.get<{ runs: AgentRun[] }>(`/api/v1/items/${key}/agent-runs`)).body.runs;
const detailOf = async (id: number) => (await admin.get<AgentRunDetail>(`/api/v1/agent-runs/${id}`)).body;
const comment = (key: string, body: string, by = admin) => by.post(`/api/v1/items/${key}/comments`, { body });

describe("an assignment", () => {
  test("takes an instruction, a model that the connection lists and a base branch, for this run", async () => {
    const item = await createItem(admin, "TRIG", {
      assignee_id: workspace.agent.id,
      run: { instruction: "Only the tests.", model: "listed-1", base_branch: "release/1" },
    });
    const [run] = await runsOf(item.key);
    const detail = await detailOf(run?.id ?? 0);
    expect(detail).toMatchObject({
      trigger: "assignee",
      model: "listed-1",
      base_branch: "release/1",
      grants: { model: "listed-1", base_branch: "release/1", push: true },
      messages: [{ kind: "trigger", body: "Only the tests.", author: "Ada" }],
    });
    const [next] = await runsOf((await createItem(admin, "TRIG", { assignee_id: workspace.agent.id })).key);
    expect(next).toMatchObject({ model: "scripted-1", base_branch: "main" });
  });

  test.each([
    ["run.model", { model: "listed-9" }, "it has scripted-1, listed-1"],
    ["run.base_branch", { base_branch: "gone" }, "has no branch gone"],
    ["run.base_branch", { base_branch: "--upload-pack=x" }, "has no branch"],
  ])("names the field %s that cannot be, and changes nothing", async (field, run, why) => {
    const item = await createItem(admin, "TRIG");
    const refused = await admin.patch<Refusal>(`/api/v1/items/${item.key}`, {
      assignee_id: workspace.agent.id,
      run,
    });
    expect(refused.status).toBe(400);
    expect(refused.body.error.details?.[0]?.path).toBe(field);
    expect(refused.body.error.message).toContain(why);
    expect(await runsOf(item.key)).toEqual([]);
  });
});

describe("a rerun", () => {
  test("is the same again, or changed; while one is active what it chose is refused and its words are kept", async () => {
    const item = await createItem(admin, "TRIG", { assignee_id: workspace.agent.id });
    const at = `/api/v1/items/${item.key}/agent-runs`;
    const [first] = await runsOf(item.key);
    const late = await admin.post<Refusal>(at, { model: "listed-1" });
    expect(late.status).toBe(409);
    expect(late.body.error.message).toContain(`run ${first?.id} of the agent is active`);
    expect(await create<AgentRun>(admin, at, { instruction: "and the docs" })).toMatchObject({
      id: first?.id,
    });
    await admin.post(`/api/v1/agent-runs/${first?.id}/cancel`, { force: true });
    const changed = await create<AgentRun>(admin, at, {
      model: "listed-1",
      base_branch: "release/1",
      instruction: "again",
    });
    expect(changed).toMatchObject({ trigger: "rerun", model: "listed-1", base_branch: "release/1" });
    await admin.post(`/api/v1/agent-runs/${changed.id}/cancel`, { force: true });
    expect((await admin.post(at, { model: "nope" })).status).toBe(400);
    const elsewhere = await create<AgentRun>(admin, at, { agent_user_id: other.id });
    expect(elsewhere).toMatchObject({ agent: { user_id: other.id }, model: "scripted-2" });
  });
});

describe("a comment that calls an agent", () => {
  test("sets it to work with what it says; each agent it calls, and none that is quoted or code", async () => {
    const item = await createItem(admin, "TRIG");
    await comment(item.key, "please look, @second-agent\n> @agent-trig said so\n`@agent-trig`");
    expect(await runsOf(item.key)).toMatchObject([{ trigger: "mention", agent: { user_id: other.id } }]);
    const [run] = await runsOf(item.key);
    expect((await detailOf(run?.id ?? 0)).messages).toMatchObject([
      { body: expect.stringContaining("please look") },
    ]);
    await comment(item.key, "@agent-trig and @Second-Agent: both");
    const runs = await runsOf(item.key);
    expect(runs.map(({ agent }) => agent.user_id)).toEqual([workspace.agent.id, other.id]);
    expect((await detailOf(run?.id ?? 0)).messages).toHaveLength(2);
  });

  test("answers a run of it that waits once, and starts no second one", async () => {
    const item = await createItem(admin, "TRIG", { assignee_id: workspace.agent.id });
    const [run] = await runsOf(item.key);
    await server.database.kysely
      .updateTable("runs")
      .set({ status: "waiting", reason: "needs_info" })
      .where("id", "=", run?.id ?? 0)
      .execute();
    await comment(item.key, "@agent-trig use tabs");
    expect(await runsOf(item.key)).toMatchObject([{ id: run?.id, status: "queued" }]);
    expect((await detailOf(run?.id ?? 0)).messages).toHaveLength(1);
  });

  test("PI-06 starts nothing when an agent writes it: two that call each other come to rest", async () => {
    const first = await startLiveRun(server, admin, workspace);
    const agent = server.withToken(first.token);
    for (const body of ["@second-agent take over", "@agent-trig again", "@windshift go"])
      expect((await comment(first.item.key, body, agent)).status).toBe(201);
    expect(await runsOf(first.item.key)).toMatchObject([{ id: first.runId }]);
    const assigned = await agent.patch(`/api/v1/items/${first.item.key}`, { assignee_id: other.id });
    expect(assigned.status).toBeGreaterThanOrEqual(400);
    expect((await agent.post(`/api/v1/items/${first.item.key}/agent-runs`, {})).status).toBe(404);
    expect(await runsOf(first.item.key)).toHaveLength(1);
  });
});

test("WB-17 a viewer starts nothing, in no way; an outsider finds nothing to start", async () => {
  const viewer = await server.addPerson(admin, "Vito");
  await admin.post("/api/v1/workspaces/TRIG/members", { user_id: viewer.id, role: "viewer" });
  const outsider = await server.addPerson(admin, "Oda");
  const item = await createItem(admin, "TRIG");
  const ways = (who: TestClient) => [
    who.patch(`/api/v1/items/${item.key}`, { assignee_id: workspace.agent.id }),
    who.post("/api/v1/workspaces/TRIG/items", { title: "t", assignee_id: workspace.agent.id }),
    who.post(`/api/v1/items/${item.key}/comments`, { body: "@agent-trig go" }),
    who.post(`/api/v1/items/${item.key}/agent-runs`, { agent_user_id: workspace.agent.id }),
    who.post(`/api/v1/bindings/${workspace.binding.id}/test-runs`, { instruction: "go" }),
  ];
  for (const reply of ways(viewer.client)) expect((await reply).status).toBe(403);
  for (const reply of ways(outsider.client)) expect((await reply).status).toBe(404);
  const { count } = await server.database.kysely
    .selectFrom("runs")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  expect(count).toBe(0);
});

describe("the agents of a workspace", () => {
  const agents = async () =>
    new Map(
      (await admin.get<AgentList>("/api/v1/workspaces/TRIG/agents")).body.agents.map((one) => [
        one.user_id,
        one,
      ]),
    );

  test("are offline, available, busy, disabled or unbound, with what would help", async () => {
    const pool = await createPool(admin, { name: "trig-hosts" });
    const at = `/api/v1/bindings/${workspace.binding.id}`;
    await admin.patch(at, { pool: "trig-hosts", labels: [] });
    const now = async () => (await agents()).get(workspace.agent.id);
    expect(await now()).toMatchObject({
      handle: "agent-trig",
      availability: "offline",
      availability_text: expect.stringContaining("Start windshift-runner"),
      binding: { repository: "acme/project", base_branch: "main", models: ["scripted-1", "listed-1"] },
    });
    const host: TestHost = await addHost(server, admin, pool);
    await host.heartbeat();
    expect(await now()).toMatchObject({ availability: "available", places: 1, places_taken: 0 });
    await createItem(admin, "TRIG", { assignee_id: workspace.agent.id });
    await createItem(admin, "TRIG", { assignee_id: workspace.agent.id });
    const job = await host.claimed();
    expect(await now()).toMatchObject({
      availability: "busy",
      places: 1,
      places_taken: 1,
      queued: 1,
      availability_text: expect.stringContaining("1 run waits"),
    });
    await host.heartbeat([{ run: job.run_id, attempt: job.attempt }]);
    await admin.patch(at, { labels: ["gpu"] });
    expect(await now()).toMatchObject({
      availability: "offline",
      availability_text: expect.stringContaining("labels gpu"),
    });
    await admin.patch(at, { enabled: false });
    expect(await now()).toMatchObject({ availability: "disabled" });
    const unbound = await create<UserRef>(admin, "/api/v1/workspaces/TRIG/agents", { name: "New" });
    expect((await agents()).get(unbound.id)).toMatchObject({ availability: "unbound", binding: null });
    await admin.patch(at, { enabled: true, labels: [], pool: "local" });
  });
});
