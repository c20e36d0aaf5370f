import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Connection } from "@windshift/contract/api/connection.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import {
  create,
  createItem,
  createTestWorkspace,
  type LiveRun,
  startLiveRun,
  type TestWorkspace,
} from "../testing/test-workspace.ts";

/** Making all that may take long on a loaded machine, ms. */
const SCENE_MS_MAX = 60_000;
/** Who knocks. The matrix of all routes and all callers is in access-matrix.test.ts. */
type Callers = Record<"outsider" | "ownRun", TestClient>;

let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
let live: LiveRun;
let callers: Callers;
/** What paths of the tracker and of runs point at, by the name of their parameter. */
let made: Record<string, number>;

beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "MAIN");
  await createTestWorkspace(admin, "ELSE");
  const outsider = await server.addPerson(admin, "Outsider");
  await admin.post("/api/v1/workspaces/ELSE/members", { user_id: outsider.id, role: "admin" });
  const skill = await createSkill();
  live = await startLiveRun(server, admin, workspace);
  made = { ...(await createTracked()), skill };
  callers = { outsider: outsider.client, ownRun: server.withToken(live.token) };
}, SCENE_MS_MAX);
afterAll(() => server.close());

/** One of each thing of the tracker, in MAIN; the page is linked to the item of the live run. */
async function createTracked(): Promise<Record<string, number>> {
  const at = "/api/v1/workspaces/MAIN";
  const comment = await create<{ id: number }>(admin, `/api/v1/items/${live.item.key}/comments`, {
    body: "x",
  });
  const page = await create<{ id: number }>(admin, `${at}/pages`, { title: "x" });
  const label = await create<{ id: number }>(admin, `${at}/labels`, { name: "x" });
  const view = await create<{ id: number }>(admin, `${at}/views`, { name: "x", query: {}, shared: true });
  await admin.send("PUT", `/api/v1/items/${live.item.key}/pages/${page.id}`, {});
  return { comment: comment.id, page: page.id, label: label.id, view: view.id, version: 1 };
}

/** A skill that the runs of the agent are given. @returns its id */
async function createSkill(): Promise<number> {
  const text = { name: "x", description: "x", body: "x" };
  const { id } = await create<{ id: number }>(admin, "/api/v1/workspaces/MAIN/skills", text);
  await admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { skill_ids: [id] });
  return id;
}

describe("WB-02 another workspace", () => {
  test("looks like one that does not exist, byte for byte", async () => {
    const paths = [
      ["/api/v1/workspaces/MAIN", "/api/v1/workspaces/NONE"],
      [`/api/v1/items/${live.item.key}`, "/api/v1/items/MAIN-999"],
      [`/api/v1/items/${live.item.key}/comments`, "/api/v1/items/NONE-1/comments"],
      [`/api/v1/connections/${workspace.llm.id}`, "/api/v1/connections/99999"],
      [`/api/v1/repositories/${workspace.repository.id}`, "/api/v1/repositories/99999"],
      [`/api/v1/bindings/${workspace.binding.id}`, "/api/v1/bindings/2147483648"],
      [`/api/v1/agent-runs/${live.runId}`, "/api/v1/agent-runs/99999"],
      [`/api/v1/items/${live.item.key}/activity`, "/api/v1/items/MAIN-999/activity"],
      [`/api/v1/items/${live.item.key}/pages/${made.page}`, "/api/v1/items/MAIN-999/pages/99999"],
      [`/api/v1/pages/${made.page}`, "/api/v1/pages/99999"],
      [`/api/v1/pages/${made.page}/versions`, "/api/v1/pages/99999/versions"],
      [`/api/v1/skills/${made.skill}`, "/api/v1/skills/99999"],
      [`/api/v1/skills/${made.skill}/versions`, "/api/v1/skills/99999/versions"],
      [`/api/v1/agent-runs/${live.runId}/skills/x`, "/api/v1/agent-runs/99999/skills/x"],
      [`/api/v1/agent-runs/${live.runId}/transcript.jsonl`, "/api/v1/agent-runs/99999/transcript.jsonl"],
      ["/api/v1/workspaces/MAIN/item-counts", "/api/v1/workspaces/NONE/item-counts"],
      ["/api/v1/workspaces/MAIN/changes/stream", "/api/v1/workspaces/NONE/changes/stream"],
    ] as const;
    for (const [real, made] of paths) {
      const [hidden, missing] = [await callers.outsider.get(real), await callers.outsider.get(made)];
      expect([real, hidden.status, hidden.text]).toEqual([real, 404, missing.text]);
    }
  });

  test("is not reached through ids in a body", async () => {
    const at = "/api/v1/workspaces/ELSE";
    const assign = await callers.outsider.post(`${at}/items`, {
      title: "x",
      assignee_id: workspace.agent.id,
    });
    expect(assign.status).toBe(400);
    const binding = await callers.outsider.post(`${at}/bindings`, {
      agent_user_id: workspace.agent.id,
      repository_id: workspace.repository.id,
    });
    expect(binding.status).toBe(400);
    const repository = await callers.outsider.post(`${at}/repositories`, {
      connection_id: workspace.git.id,
      owner: "acme",
      name: "taken-over",
    });
    expect(repository.status).toBe(400);
    const agent = await callers.outsider.post(`${at}/members`, {
      user_id: workspace.agent.id,
      role: "member",
    });
    expect(agent.status).toBe(400);
  });

  test("is not opened by administrating the installation", async () => {
    const { client } = await server.addPerson(admin, "Instance");
    await server.database.kysely
      .updateTable("user")
      .set({ admin: 1 })
      .where("email", "=", "instance@example.test")
      .execute();
    expect((await client.get("/api/v1/admin/users")).status).toBe(200);
    expect((await client.get("/api/v1/workspaces/MAIN")).status).toBe(404);
  });

  test("is closed to a member from the moment the membership ends", async () => {
    const { id, client } = await server.addPerson(admin, "Leaver");
    await admin.post("/api/v1/workspaces/MAIN/members", { user_id: id, role: "admin" });
    expect((await client.get("/api/v1/workspaces/MAIN")).status).toBe(200);
    expect((await admin.delete(`/api/v1/workspaces/MAIN/members/${id}`)).status).toBe(200);
    expect((await client.get("/api/v1/workspaces/MAIN")).status).toBe(404);
  });
});

describe("PI-05 a run's token", () => {
  test("reads its own item and comments on it, as the agent", async () => {
    const run = callers.ownRun;
    expect((await run.get<{ key: string }>(`/api/v1/items/${live.item.key}`)).body.key).toBe(live.item.key);
    const reply = await run.post(`/api/v1/items/${live.item.key}/comments`, { body: "I am on it" });
    expect(reply.status).toBe(201);
    expect(reply.body).toMatchObject({
      author: { id: workspace.agent.id, kind: "agent" },
      run_id: live.runId,
    });
  });

  test("moves its own item on and no further, assigns nobody, and reaches no other item", async () => {
    const run = callers.ownRun;
    const own = `/api/v1/items/${live.item.key}`;
    const other = await createItem(admin, "MAIN");
    for (const body of [
      { status: "done" },
      { status: "canceled" },
      { title: "mine" },
      { description: "Do as I say." },
      { parent_key: other.key },
      { assignee_id: workspace.agent.id },
      { assignee_id: workspace.agent.id, run: {} },
      { status: "in_review", title: "mine" },
    ])
      expect([body, (await run.patch(own, body)).status]).toEqual([body, 403]);
    expect((await run.patch(own, { status: "in_review", priority: "high" })).status).toBe(200);
    expect((await admin.get(own)).body).toMatchObject({
      status: "in_review",
      priority: "high",
      title: "Fix it",
      description: "",
      assignee: { id: workspace.agent.id },
    });
    expect((await run.patch(`/api/v1/items/${other.key}`, { status: "in_review" })).status).toBe(404);
    expect((await callers.ownRun.get(`/api/v1/items/${other.key}`)).status).toBe(404);
    expect((await callers.ownRun.post(`/api/v1/items/${other.key}/comments`, { body: "hi" })).status).toBe(
      404,
    );
    expect((await admin.get(`/api/v1/items/${other.key}`)).body).toMatchObject({
      title: "Fix it",
      comments_count: 0,
    });
  });

  test("leaves a line in the audit log when it reaches for something else", async () => {
    await callers.ownRun.get("/api/v1/workspaces/MAIN/connections");
    const rows = await server.database.kysely
      .selectFrom("audit_log")
      .selectAll()
      .where("action", "=", "run.denied")
      .where("actor", "=", `run ${live.runId} attempt ${live.attempt}`)
      .execute();
    expect(rows.map((row) => row.subject)).toContain("GET /api/v1/workspaces/MAIN/connections");
  });

  test("posts at most as many comments as a run may, even at once", async () => {
    const run = await startLiveRun(server, admin, workspace);
    const client = server.withToken(run.token);
    const replies = await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        client.post(`/api/v1/items/${run.item.key}/comments`, { body: `${n}` }),
      ),
    );
    expect(replies.filter((reply) => reply.status === 201)).toHaveLength(50);
    expect(replies.filter((reply) => reply.status === 409)).toHaveLength(10);
  });

  test("is dead when its attempt is not the live one", async () => {
    const run = await startLiveRun(server, admin, workspace);
    const client = server.withToken(run.token);
    expect((await client.get(`/api/v1/items/${run.item.key}`)).status).toBe(200);
    await server.database.kysely
      .updateTable("runs")
      .set({ attempt: 2 })
      .where("id", "=", run.runId)
      .execute();
    expect((await client.get(`/api/v1/items/${run.item.key}`)).status).toBe(401);
  });
});

test("WB-14 nobody reads a key back", async () => {
  const secret = "sk-canary-do-not-show-4711";
  const made = await admin.post<Connection>("/api/v1/workspaces/MAIN/connections", {
    kind: "llm",
    name: "canary",
    base_url: "https://llm.example/v1/",
    api_key: secret,
  });
  expect(made.body).toMatchObject({
    base_url: "https://llm.example",
    secret_fingerprint: expect.stringMatching(/^[0-9a-f]{8}$/),
  });
  const seen = [
    made.text,
    JSON.stringify(await server.database.kysely.selectFrom("audit_log").selectAll().execute()),
  ];
  for (const path of [
    `/api/v1/connections/${made.body.id}`,
    "/api/v1/workspaces/MAIN/connections",
    "/api/openapi.json",
  ])
    seen.push((await admin.get(path)).text);
  const bad = await admin.post("/api/v1/workspaces/MAIN/connections", {
    kind: "llm",
    name: "x",
    base_url: "ftp://x",
    api_key: secret,
  });
  expect(bad.status).toBe(400);
  seen.push(bad.text, server.logLines.join("\n"));
  const row = await server.database.kysely
    .selectFrom("connections")
    .selectAll()
    .where("id", "=", made.body.id)
    .executeTakeFirstOrThrow();
  expect(row.secret_sealed).toStartWith("v1.");
  seen.push(JSON.stringify(row));
  for (const text of seen) expect(text).not.toContain(secret);
});
