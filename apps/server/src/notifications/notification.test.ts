import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Comment } from "@windshift/contract/api/comment.ts";
import type { Notification, NotificationPage } from "@windshift/contract/api/notification.ts";
import type { Me } from "@windshift/contract/api/user.ts";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { NOTIFICATIONS_MAX } from "@windshift/contract/limits.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import {
  create,
  createItem,
  createTestWorkspace,
  startLiveRun,
  type TestWorkspace,
} from "../testing/test-workspace.ts";
import { tellRunEnded } from "./run-news.ts";

interface Somebody {
  id: string;
  client: TestClient;
}
let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
let grace: Somebody;
let linus: Somebody;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "NEWS");
  grace = await server.addPerson(admin, "Grace");
  linus = await server.addPerson(admin, "Linus");
  for (const { id } of [grace, linus])
    await admin.post("/api/v1/workspaces/NEWS/members", { user_id: id, role: "member" });
});
afterAll(() => server.close());

/** What somebody was told of an item, oldest first. */
async function newsOf(client: TestClient, item: { key: string }): Promise<Notification[]> {
  const { body } = await client.get<NotificationPage>("/api/v1/notifications?limit=200");
  return body.notifications.filter((one) => one.item.key === item.key).reverse();
}
const kindsOf = async (client: TestClient, item: { key: string }) =>
  (await newsOf(client, item)).map(({ kind, text }) => [kind, text]);
const say = (client: TestClient, key: string, body: string) =>
  create<Comment>(client, `/api/v1/items/${key}/comments`, { body });

describe("a comment", () => {
  test("is told to whom it calls, and to followers whom it does not call, and not to its author", async () => {
    const item = await createItem(admin, "NEWS");
    await say(grace.client, item.key, "first");
    await say(linus.client, item.key, "@grace  look\n\nat *this*");
    expect(await kindsOf(admin, item)).toEqual([
      ["commented", "first"],
      ["commented", "@grace look at *this*"],
    ]);
    expect(await kindsOf(grace.client, item)).toEqual([["mentioned", "@grace look at *this*"]]);
    expect(await kindsOf(linus.client, item)).toEqual([]);
    expect((await newsOf(grace.client, item))[0]).toMatchObject({
      workspace: "NEWS",
      actor: { name: "Linus" },
      read: false,
      run_id: null,
    });
  });

  test("is told to none outside the workspace, whatever it says", async () => {
    const { client } = await server.addPerson(admin, "Zoe");
    const item = await createItem(admin, "NEWS");
    await say(admin, item.key, "@zoe come");
    expect((await client.get<NotificationPage>("/api/v1/notifications")).body.notifications).toEqual([]);
  });

  test("that is edited tells those whom it calls now and did not before", async () => {
    const item = await createItem(admin, "NEWS");
    const comment = await say(admin, item.key, "@grace");
    await admin.patch(`/api/v1/comments/${comment.id}`, { body: "@grace @linus" });
    expect(await kindsOf(grace.client, item)).toHaveLength(1);
    expect(await kindsOf(linus.client, item)).toEqual([["mentioned", "@grace @linus"]]);
  });

  test("that is deleted is told no more", async () => {
    const item = await createItem(admin, "NEWS");
    const comment = await say(admin, item.key, "@grace the password is hunter2");
    expect(await kindsOf(grace.client, item)).toHaveLength(1);
    await admin.delete(`/api/v1/comments/${comment.id}`);
    expect(await kindsOf(grace.client, item)).toEqual([]);
  });
});

describe("an item", () => {
  test("that becomes somebody's is told to them, unless they took it themselves, and followed by them", async () => {
    const item = await createItem(admin, "NEWS", { assignee_id: grace.id });
    await linus.client.patch(`/api/v1/items/${item.key}`, { assignee_id: linus.id });
    expect(await kindsOf(grace.client, item)).toEqual([["assigned", "Assigned to you"]]);
    expect(await kindsOf(linus.client, item)).toEqual([]);
    for (const { client } of [grace, linus])
      expect((await client.get<WorkItemDetail>(`/api/v1/items/${item.key}`)).body.following).toBe(true);
  });

  test("is followed by who wants to, and not by who said no, even when they comment", async () => {
    const item = await createItem(admin, "NEWS");
    const at = `/api/v1/items/${item.key}/follow`;
    await grace.client.send("PUT", at, {});
    await admin.send("DELETE", at, {});
    await say(linus.client, item.key, "one");
    expect([await kindsOf(grace.client, item), await kindsOf(admin, item)]).toEqual([
      [["commented", "one"]],
      [],
    ]);
    await say(admin, item.key, "two");
    await say(linus.client, item.key, "three");
    expect(await kindsOf(admin, item)).toEqual([]);
    await say(linus.client, item.key, "@ada");
    expect(await kindsOf(admin, item)).toEqual([["mentioned", "@ada"]]);
  });
});

describe("a run", () => {
  test("that ends is told to who asked for it and to followers, and not to who canceled it", async () => {
    const live = await startLiveRun(server, admin, workspace);
    await grace.client.send("PUT", `/api/v1/items/${live.item.key}/follow`, {});
    await linus.client.post(`/api/v1/agent-runs/${live.runId}/cancel`, { force: true });
    const text = expect.stringContaining(`Run ${live.runId} was killed`);
    expect(await kindsOf(admin, live.item)).toEqual([["run_ended", text]]);
    expect(await kindsOf(grace.client, live.item)).toEqual([["run_ended", text]]);
    expect(await kindsOf(linus.client, live.item)).toEqual([]);
    expect((await newsOf(admin, live.item))[0]).toMatchObject({
      run_id: live.runId,
      actor: { name: "Linus" },
    });
  });

  test("that waits for a person says what it waits for", async () => {
    const live = await startLiveRun(server, admin, workspace);
    const { database } = server;
    await database.transaction(async (tx) => {
      const waiting = { status: "waiting", reason: "needs_info", detail: "Which of the two parsers?" };
      await tx.updateTable("runs").set(waiting).where("id", "=", live.runId).execute();
      await tellRunEnded(database, tx, live.runId);
    });
    expect(await kindsOf(admin, live.item)).toEqual([
      ["run_waiting", `Run ${live.runId} waits: Which of the two parsers?`],
    ]);
    await admin.post(`/api/v1/agent-runs/${live.runId}/cancel`, { force: true });
  });

  test("that could not start is told as ended", async () => {
    const agent = await create<{ id: string }>(admin, "/api/v1/workspaces/NEWS/agents", { name: "Unbound" });
    const item = await createItem(admin, "NEWS", { assignee_id: agent.id });
    expect(await kindsOf(admin, item)).toEqual([["run_ended", expect.stringContaining("no binding")]]);
  });
});

describe("notifications", () => {
  test("are counted until they are read, by the caller alone", async () => {
    const item = await createItem(admin, "NEWS");
    await say(admin, item.key, "@grace @linus one");
    await say(admin, item.key, "@grace @linus two");
    const unreadOf = async ({ client }: Somebody) =>
      (await client.get<Me>("/api/v1/me")).body.notifications_unread;
    const [before, linusBefore] = [await unreadOf(grace), await unreadOf(linus)];
    const [one, two] = await newsOf(grace.client, item);
    const read = (body: object) => grace.client.post<{ unread: number }>("/api/v1/notifications/read", body);
    const theirs = await newsOf(linus.client, item);
    await read({ ids: theirs.map(({ id }) => id) });
    expect(await unreadOf(linus)).toBe(linusBefore);
    expect((await read({ ids: [one?.id] })).body.unread).toBe(before - 1);
    expect((await read({ ids: [one?.id] })).body.unread).toBe(before - 1);
    const unread = await grace.client.get<NotificationPage>("/api/v1/notifications?unread=true&limit=1");
    expect(unread.body.notifications.map(({ id }) => id)).toEqual([two?.id ?? 0]);
    await say(admin, item.key, "@grace three");
    expect((await read({ all: true, up_to: two?.id })).body.unread).toBe(1);
    expect((await read({ all: true })).body.unread).toBe(0);
    for (const body of [{}, { ids: [] }, { all: false }, { ids: ["1"] }])
      expect((await read(body)).status).toBe(400);
  });

  test("WB-02 of a workspace that the caller has left are not told, nor counted", async () => {
    const { id, client } = await server.addPerson(admin, "Leaver");
    const members = "/api/v1/workspaces/NEWS/members";
    await admin.post(members, { user_id: id, role: "member" });
    const item = await createItem(admin, "NEWS", { assignee_id: id });
    expect(await kindsOf(client, item)).toHaveLength(1);
    await admin.delete(`${members}/${id}`);
    const { body } = await client.get<NotificationPage>("/api/v1/notifications");
    expect(body).toEqual({ notifications: [], unread: 0, next_before: null });
    expect((await client.get<Me>("/api/v1/me")).body.notifications_unread).toBe(0);
  });

  test("of a person are kept up to their limit, the newest", async () => {
    const { id, client } = await server.addPerson(admin, "Hoarder");
    await admin.post("/api/v1/workspaces/NEWS/members", { user_id: id, role: "member" });
    const item = await createItem(admin, "NEWS");
    const { id: workspaceId } = await server.database.kysely
      .selectFrom("workspaces")
      .select("id")
      .where("key", "=", "NEWS")
      .executeTakeFirstOrThrow();
    const row = {
      user_id: id,
      workspace_id: workspaceId,
      work_item_id: item.id,
      kind: "commented",
      text: "old",
    };
    const old = Array.from({ length: NOTIFICATIONS_MAX }, (_, n) => ({
      ...row,
      actor_id: null,
      created_at_ms: n,
    }));
    for (let from = 0; from < old.length; from += 100)
      await server.database.kysely
        .insertInto("notifications")
        .values(old.slice(from, from + 100).map((one) => ({ ...one, run_id: null })))
        .execute();
    await say(admin, item.key, "@hoarder new");
    const page = await eventually("the oldest is gone", async () => {
      const { body } = await client.get<NotificationPage>("/api/v1/notifications?limit=1");
      return body.unread === NOTIFICATIONS_MAX && body;
    });
    expect(page.notifications[0]?.text).toBe("@hoarder new");
  });
});
