import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Comment, CommentPage } from "@windshift/contract/api/comment.ts";
import type { AgentRunList } from "@windshift/contract/api/run.ts";
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
let grace: { id: string; client: TestClient };
let workspace: TestWorkspace;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "TALK");
  grace = await server.addPerson(admin, "Grace");
  await admin.post("/api/v1/workspaces/TALK/members", { user_id: grace.id, role: "member" });
});
afterAll(() => server.close());

const say = (client: TestClient, key: string, body: string) =>
  create<Comment>(client, `/api/v1/items/${key}/comments`, { body });

describe("a mention", () => {
  test("is a member called by their handle, and nobody else", async () => {
    await server.addPerson(admin, "Stranger");
    const { key } = await createItem(admin, "TALK");
    const names = async (body: string) => (await say(admin, key, body)).mentions.map(({ name }) => name);
    expect(await names("@grace and @Ada, see `@agent-talk`")).toEqual(["Ada", "Grace"]);
    expect(await names("mail@grace.example, @stranger, @graceful\n> @grace")).toEqual([]);
    const { body } = await admin.get<CommentPage>(`/api/v1/items/${key}/comments`);
    expect(body.comments.map(({ mentions }) => mentions.length)).toEqual([2, 0]);
  });

  test("has the handle that the list of members names", async () => {
    const { body } = await admin.get<{ members: { name: string; handle: string }[] }>(
      "/api/v1/workspaces/TALK/members",
    );
    expect(body.members.map(({ name, handle }) => [name, handle])).toEqual([
      ["Ada", "ada"],
      ["Agent TALK", "agent-talk"],
      ["Grace", "grace"],
    ]);
  });

  test("PI-06 of an agent by a run starts nothing", async () => {
    const live = await startLiveRun(server, admin, workspace);
    const other = await create<{ id: string }>(admin, "/api/v1/workspaces/TALK/agents", { name: "Second" });
    const run = server.withToken(live.token);
    const comment = await say(run, live.item.key, "@second @agent-talk please go on");
    expect(comment.mentions.map(({ name }) => name)).toEqual(["Agent TALK", "Second"]);
    const { body } = await admin.get<AgentRunList>(`/api/v1/items/${live.item.key}/agent-runs`);
    expect(body.runs.map(({ id, agent }) => [id, agent.user_id])).toEqual([[live.runId, workspace.agent.id]]);
    expect(body.runs.some(({ agent }) => agent.user_id === other.id)).toBe(false);
    const messages = await server.database.kysely
      .selectFrom("run_messages")
      .selectAll()
      .where("run_id", "=", live.runId)
      .execute();
    expect(messages).toEqual([]);
    await admin.post(`/api/v1/agent-runs/${live.runId}/cancel`, { force: true });
  });
});

describe("a comment", () => {
  test("is changed by its author alone, and says so", async () => {
    const { key } = await createItem(admin, "TALK");
    const comment = await say(grace.client, key, "teh @ada");
    expect(comment.edited_at).toBeNull();
    const at = `/api/v1/comments/${comment.id}`;
    expect((await admin.patch(at, { body: "mine" })).status).toBe(403);
    const { body } = await grace.client.patch<Comment>(at, { body: "the @grace" });
    expect(body).toMatchObject({ body: "the @grace", mentions: [{ name: "Grace" }] });
    expect(body.edited_at).not.toBeNull();
    expect((await grace.client.patch(at, { body: " " })).status).toBe(400);
    expect((await grace.client.patch(at, { body: "x", author_id: "y" })).status).toBe(400);
  });

  test("that is saved as it was has not been edited", async () => {
    const { key } = await createItem(admin, "TALK");
    const comment = await say(admin, key, "same");
    const { body } = await admin.patch<Comment>(`/api/v1/comments/${comment.id}`, { body: "same" });
    expect(body.edited_at).toBeNull();
  });

  test("is deleted by its author or an admin", async () => {
    const { key } = await createItem(admin, "TALK");
    const [hers, ours] = [await say(grace.client, key, "one"), await say(admin, key, "two")];
    expect((await grace.client.delete(`/api/v1/comments/${ours.id}`)).status).toBe(403);
    expect((await grace.client.delete(`/api/v1/comments/${hers.id}`)).status).toBe(204);
    expect((await admin.delete(`/api/v1/comments/${hers.id}`)).status).toBe(404);
    const more = await say(grace.client, key, "three");
    expect((await admin.delete(`/api/v1/comments/${more.id}`)).status).toBe(204);
    const { body } = await admin.get<CommentPage>(`/api/v1/items/${key}/comments`);
    expect(body.comments.map((comment) => comment.body)).toEqual(["two"]);
  });

  test("WB-02 of another workspace looks like none", async () => {
    const { key } = await createItem(admin, "TALK");
    const comment = await say(admin, key, "ours");
    const { client } = await server.addPerson(admin, "Outsider");
    for (const method of ["PATCH", "DELETE"]) {
      const [real, none] = [
        await client.send(method, `/api/v1/comments/${comment.id}`, { body: "x" }),
        await client.send(method, "/api/v1/comments/99999", { body: "x" }),
      ];
      expect([real.status, real.text]).toEqual([404, none.text]);
    }
  });
});
