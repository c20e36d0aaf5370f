import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Member } from "@windshift/contract/api/workspace.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { create } from "../testing/test-workspace.ts";

// Hashes of passwords take long on a loaded machine.
setDefaultTimeout(60_000);

let server: TestServer;
let admin: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  await create(admin, "/api/v1/workspaces", { key: "TEAM", name: "Team" });
});
afterAll(() => server.close());

describe("people", () => {
  test("are told who they are and where they may go", async () => {
    expect((await admin.get("/api/v1/me")).body).toMatchObject({
      name: "Ada",
      email: "ada@example.test",
      admin: true,
      workspaces: [{ key: "TEAM", name: "Team", role: "admin" }],
    });
  });

  test("are made by administrators, once per e-mail address in any case", async () => {
    await server.addPerson(admin, "Bob");
    const again = { name: "Bob", email: "BOB@Example.test", password: "correct horse battery" };
    expect((await admin.post("/api/v1/admin/users", again)).status).toBe(409);
    const { body } = await admin.get<{ users: { name: string; admin: boolean }[] }>("/api/v1/admin/users");
    expect(body.users.map((u) => [u.name, u.admin])).toEqual([
      ["Ada", true],
      ["Bob", false],
    ]);
    // The one way to make people writes down from where.
    const line = await server.database.kysely
      .selectFrom("audit_log")
      .select("data")
      .where("action", "=", "user.created")
      .orderBy("id", "desc")
      .executeTakeFirstOrThrow();
    expect(JSON.parse(line.data)).toMatchObject({ ip: "127.0.0.1" });
    for (const method of ["GET", "POST"])
      expect((await admin.send(method, "/api/v1/users", {})).status).toBe(404);
  });

  test("WB-15 are not made administrators by a field of the body", async () => {
    const eve = { name: "Eve", email: "eve@example.test", password: "correct horse battery", admin: true };
    expect((await admin.post("/api/v1/admin/users", eve)).status).toBe(400);
  });
});

describe("agents", () => {
  test("are members of their workspace and of no other", async () => {
    const agent = await create<{ id: string }>(admin, "/api/v1/workspaces/TEAM/agents", { name: "Robin" });
    const { body } = await admin.get<{ members: Member[] }>("/api/v1/workspaces/TEAM/members");
    expect(body.members).toContainEqual({
      user_id: agent.id,
      name: "Robin",
      handle: "robin",
      kind: "agent",
      role: "member",
    });
    await create(admin, "/api/v1/workspaces", { key: "OTHER", name: "Other" });
    const moved = await admin.post("/api/v1/workspaces/OTHER/members", { user_id: agent.id, role: "member" });
    expect(moved.status).toBe(400);
  });

  test("do not administrate", async () => {
    const agent = await create<{ id: string }>(admin, "/api/v1/workspaces/TEAM/agents", { name: "Sam" });
    const raised = await admin.post("/api/v1/workspaces/TEAM/members", { user_id: agent.id, role: "admin" });
    expect(raised.status).toBe(400);
  });
});

describe("a workspace", () => {
  test("keeps an admin, also when two remove each other at once", async () => {
    await create(admin, "/api/v1/workspaces", { key: "PAIR", name: "Pair" });
    const ada = (await admin.get<{ id: string }>("/api/v1/me")).body.id;
    const { id, client } = await server.addPerson(admin, "Carol");
    const members = "/api/v1/workspaces/PAIR/members";
    await admin.post(members, { user_id: id, role: "admin" });
    await Promise.all([admin.delete(`${members}/${id}`), client.delete(`${members}/${ada}`)]);
    const { admins } = await server.database.kysely
      .selectFrom("memberships")
      .innerJoin("workspaces", "workspaces.id", "memberships.workspace_id")
      .select((eb) => eb.fn.countAll<number>().as("admins"))
      .where("workspaces.key", "=", "PAIR")
      .where("memberships.role", "=", "admin")
      .executeTakeFirstOrThrow();
    expect(admins).toBe(1);
  });

  test("has a key of its own", async () => {
    expect((await admin.post("/api/v1/workspaces", { key: "TEAM", name: "Again" })).status).toBe(409);
    for (const key of ["team", "T", "1A", "TOOLONGAKEY", "A-B", ""])
      expect((await admin.post("/api/v1/workspaces", { key, name: "x" })).status).toBe(400);
  });
});
