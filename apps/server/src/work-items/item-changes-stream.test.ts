import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ItemChanges } from "@windshift/contract/api/work-item.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { openDatabase } from "../db/database.ts";
import { sqlitePlan } from "../testing/sqlite-plan.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { openStream, type TestStream } from "../testing/test-stream.ts";
import {
  create,
  createItem,
  createTestWorkspace,
  startLiveRun,
  type TestWorkspace,
} from "../testing/test-workspace.ts";
import { ChangedRuns } from "./item-changes-stream.ts";

/** Time for a stream to end, ms: WB-03 asks for 5 s, the rest is for a machine under load. */
const END_MS_MAX = 20_000;

let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "LIVE");
  await create(admin, "/api/v1/workspaces", { key: "ELSE", name: "x" });
});
afterAll(() => server.close());

const changes = "/api/v1/workspaces/LIVE/changes/stream";

/** A stream that stands: its first event has come. */
async function watch(client: TestClient, path = changes): Promise<TestStream> {
  const stream = await openStream(client, path);
  expect(stream.status).toBe(200);
  await eventually("the stream stands", () => stream.events.length > 0);
  return stream;
}

function keysOf(stream: TestStream): string[] {
  return stream.events.flatMap(({ data }) =>
    "keys" in (data as ItemChanges) ? (data as { keys: string[] }).keys : [],
  );
}

describe("a live list", () => {
  test("hears of items that are new, changed, commented on and deleted, by their keys alone", async () => {
    const quiet = await createItem(admin, "LIVE", { title: "Nobody touches it" });
    const stream = await watch(admin);
    const item = await createItem(admin, "LIVE", { title: "Secret title" });
    await eventually("a new item is told", () => keysOf(stream).includes(item.key));
    for (const act of [
      () => admin.patch(`/api/v1/items/${item.key}`, { status: "done" }),
      () => admin.post(`/api/v1/items/${item.key}/comments`, { body: "hm" }),
      () => admin.delete(`/api/v1/items/${item.key}`),
    ]) {
      const before = keysOf(stream).length;
      await act();
      await eventually("the change is told", () => keysOf(stream).length > before);
    }
    expect(new Set(keysOf(stream))).toEqual(new Set([item.key]));
    expect(keysOf(stream)).not.toContain(quiet.key);
    expect(JSON.stringify(stream.events)).not.toContain("Secret");
    await stream.close();
  });

  test("hears that labels were made, renamed or deleted, which any item may show", async () => {
    const stream = await watch(admin);
    const told = () => stream.events.filter(({ data }) => "all" in (data as ItemChanges)).length;
    const at = "/api/v1/workspaces/LIVE/labels";
    const { id } = await create<{ id: number }>(admin, at, { name: "Heard", color: "#1f6feb" });
    await eventually("the new one is told", () => told() === 1);
    await admin.patch(`${at}/${id}`, { name: "Renamed" });
    await eventually("the new name is told", () => told() === 2);
    await admin.patch(`${at}/${id}`, { name: "Renamed" });
    await admin.delete(`${at}/${id}`);
    await eventually("that it is gone is told", () => told() === 3);
    expect(JSON.stringify(stream.events)).not.toContain("enamed");
    await stream.close();
  });

  test("hears when the run of an item starts and ends", async () => {
    const stream = await watch(admin);
    const live = await startLiveRun(server, admin, workspace);
    await eventually("its start is told", () => keysOf(stream).includes(live.item.key));
    const before = keysOf(stream).length;
    await admin.post(`/api/v1/agent-runs/${live.runId}/cancel`, { force: true });
    await eventually("its end is told", () => keysOf(stream).slice(before).includes(live.item.key));
    await stream.close();
  });

  test("hears nothing of other workspaces, nor of what is hidden", async () => {
    const stream = await watch(admin);
    const hidden = await createItem(admin, "ELSE");
    const { database } = server;
    const place = { workspace_id: (await getWorkspaceId("LIVE")) as number };
    await database.kysely
      .updateTable("work_items")
      .set({ ...place, number: 9_999, hidden: 1 })
      .where("id", "=", hidden.id)
      .execute();
    const other = await createItem(admin, "ELSE");
    const last = await createItem(admin, "LIVE");
    await eventually("the last change is told", () => keysOf(stream).includes(last.key));
    expect(keysOf(stream)).toEqual([last.key]);
    expect(keysOf(stream)).not.toContain(other.key);
    await stream.close();
  });

  test("hears of what another server changed", async () => {
    const item = await createItem(admin, "LIVE");
    const stream = await watch(admin);
    const other = await openDatabase(server.databaseAddress);
    const later = Date.now() + 1;
    await other.kysely
      .updateTable("work_items")
      .set({ updated_at_ms: later })
      .where("id", "=", item.id)
      .execute();
    await other.signals.notify(`workspace:${await getWorkspaceId("LIVE")}`);
    await eventually("the change is told", () => keysOf(stream).includes(item.key));
    await other.close();
    await stream.close();
  });

  test("is told to read anew when more has changed than can be named", async () => {
    const items = await server.database.kysely
      .selectFrom("work_items")
      .selectAll()
      .where("workspace_id", "=", await getWorkspaceId("LIVE"))
      .limit(1)
      .execute();
    const { id: _, ...row } = items[0] ?? ({} as never);
    const stream = await watch(admin);
    const now = Date.now() + 1_000;
    const many = Array.from({ length: 250 }, (_one, n) => ({
      ...row,
      number: 20_000 + n,
      updated_at_ms: now + n,
    }));
    for (let from = 0; from < many.length; from += 50)
      await server.database.kysely
        .insertInto("work_items")
        .values(many.slice(from, from + 50))
        .execute();
    await server.database.signals.notify(`workspace:${await getWorkspaceId("LIVE")}`);
    await eventually("all is told", () => stream.events.some(({ data }) => "all" in (data as ItemChanges)));
    await stream.close();
  });

  async function getWorkspaceId(key: string): Promise<number> {
    const row = await server.database.kysely
      .selectFrom("workspaces")
      .select("id")
      .where("key", "=", key)
      .executeTakeFirstOrThrow();
    return row.id;
  }
});

// At once: each waits for the next look at its reader's right.
describe.concurrent("WB-03 a live stream", () => {
  const streams = [changes, "/api/v1/notifications/stream"];

  test("ends soon after its reader has signed out, and lets nobody in after", async () => {
    const { id, client } = await server.addPerson(admin, "Signout");
    await admin.post("/api/v1/workspaces/LIVE/members", { user_id: id, role: "viewer" });
    const open = await Promise.all(streams.map((path) => watch(client, path)));
    await server.database.kysely.deleteFrom("session").where("userId", "=", id).execute();
    for (const stream of open) await eventually("it has ended", () => stream.hasEnded(), END_MS_MAX);
    expect((await openStream(client, changes)).status).toBe(401);
  }, 30_000);

  test("ends soon after its reader has left the workspace, and tells no key from then on", async () => {
    const { id, client } = await server.addPerson(admin, "Leaver");
    const members = "/api/v1/workspaces/LIVE/members";
    await admin.post(members, { user_id: id, role: "viewer" });
    const stream = await watch(client);
    await admin.delete(`${members}/${id}`);
    await eventually("it has ended", () => stream.hasEnded(), END_MS_MAX);
    const [left, none] = await Promise.all([
      client.get(changes),
      client.get("/api/v1/workspaces/NONE/changes/stream"),
    ]);
    expect([left.status, left.text]).toEqual([404, none.text]);
  }, 30_000);
});

describe("live news", () => {
  test("are the count and the newest, at once and whenever they change", async () => {
    const { id, client } = await server.addPerson(admin, "Reader");
    await admin.post("/api/v1/workspaces/LIVE/members", { user_id: id, role: "member" });
    const stream = await watch(client, "/api/v1/notifications/stream");
    expect(stream.events).toEqual([{ event: "news", data: { unread: 0, newest: null } }]);
    const item = await createItem(admin, "LIVE");
    await admin.post(`/api/v1/items/${item.key}/comments`, { body: "@reader hello" });
    await eventually("the mention is told", () => stream.events.length > 1);
    expect(stream.events.at(-1)?.data).toMatchObject({
      unread: 1,
      newest: { kind: "mentioned", item: { key: item.key }, text: "@reader hello" },
    });
    await client.post("/api/v1/notifications/read", { all: true });
    await eventually("that it was read is told", () => stream.events.length > 2);
    expect(stream.events.at(-1)?.data).toMatchObject({ unread: 0, newest: { read: true } });
    await stream.close();
  });
});

test("who watches a list has the runs read that have not ended, not all that the workspace ever had", async () => {
  const { database } = server;
  // PostgreSQL sees by itself that an index holds all of them, and goes through a small table all the same.
  if (database.engine === "postgres") return;
  const plan = await sqlitePlan(database, (listened) => new ChangedRuns(listened, 1).look());
  expect(plan).toContain("INDEX runs_unended (workspace_id=?)");
});
