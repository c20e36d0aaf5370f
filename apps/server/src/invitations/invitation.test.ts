import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { InvitationWithLink } from "@windshift/contract/api/invitation.ts";
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
  for (const key of ["TEAM", "OTHER"]) await create(admin, "/api/v1/workspaces", { key, name: key });
});
afterAll(() => server.close());

const AT = "/api/v1/workspaces/TEAM/invitations";
const PASSWORD = "correct horse battery";
async function invite(body: object = {}) {
  const made = await create<InvitationWithLink>(admin, AT, body);
  expect(made.url).toStartWith(`${server.url}/invite/wsin_`);
  return { ...made, token: made.url.slice(made.url.lastIndexOf("/") + 1) };
}
const signUp = (token: string, email: string) =>
  server.stranger().post("/api/v1/invitations/sign-up", { token, name: "New", email, password: PASSWORD });
const accept = (client: TestClient, token: string) => client.post("/api/v1/invitations/accept", { token });

describe("an invitation", () => {
  test("shows what it is for, makes an account, and works once", async () => {
    const { token } = await invite({ role: "viewer" });
    const look = await server.stranger().post("/api/v1/invitations/view", { token });
    expect(look.body).toMatchObject({
      workspace: { key: "TEAM", name: "TEAM" },
      role: "viewer",
      invited_by: "Ada",
    });
    const joined = await signUp(token, "one@example.test");
    expect([joined.status, joined.body]).toEqual([201, { key: "TEAM", name: "TEAM", role: "viewer" }]);
    const client = server.stranger();
    await client.post("/api/auth/sign-in/email", { email: "one@example.test", password: PASSWORD });
    expect((await client.get("/api/v1/me")).body).toMatchObject({
      admin: false,
      workspaces: [{ key: "TEAM", role: "viewer" }],
    });
    expect((await signUp(token, "two@example.test")).status).toBe(404);
    expect((await server.stranger().post("/api/v1/invitations/view", { token })).status).toBe(404);
  });

  test("lets one of two in who take it at the same time, and leaves no account of the other", async () => {
    const { token } = await invite();
    const replies = await Promise.all([signUp(token, "a@example.test"), signUp(token, "b@example.test")]);
    expect(replies.map((reply) => reply.status).toSorted()).toEqual([201, 404]);
    const made = await server.database.kysely
      .selectFrom("user")
      .select("id")
      .where("email", "in", ["a@example.test", "b@example.test"])
      .execute();
    expect(made).toHaveLength(1);
  });

  test("is taken with an account one has, which keeps the role it has elsewhere", async () => {
    const { client } = await server.addPerson(admin, "Bob");
    const { token } = await invite({ role: "admin" });
    expect((await accept(server.stranger(), token)).status).toBe(401);
    expect((await accept(client, token)).body).toMatchObject({ key: "TEAM", role: "admin" });
    expect((await client.get(AT)).status).toBe(200);
    const again = await invite({ role: "viewer" });
    expect((await accept(client, again.token)).status).toBe(409);
    expect((await client.get(AT)).status).toBe(200);
  });

  test("for one address is taken by no other", async () => {
    const { client } = await server.addPerson(admin, "Cid");
    const { token } = await invite({ email: "Dan@example.test" });
    expect((await accept(client, token)).status).toBe(403);
    expect((await signUp(token, "eve@example.test")).status).toBe(403);
    expect((await signUp(token, "dan@example.test")).status).toBe(201);
  });

  test("opens no account that exists", async () => {
    const { token } = await invite();
    expect((await signUp(token, "ada@example.test")).status).toBe(409);
    expect((await signUp(token, "fay@example.test")).status).toBe(201);
  });

  test("ends when it is taken back, too old, or its maker is no admin any more", async () => {
    const { client: gil, id } = await server.addPerson(admin, "Gil");
    await admin.post("/api/v1/workspaces/TEAM/members", { user_id: id, role: "admin" });
    const theirs = await create<InvitationWithLink>(gil, AT, {});
    await admin.post("/api/v1/workspaces/TEAM/members", { user_id: id, role: "member" });
    expect((await signUp(theirs.url.split("/").at(-1) ?? "", "hal@example.test")).status).toBe(404);
    const back = await invite();
    expect((await admin.delete(`/api/v1/workspaces/OTHER/invitations/${back.id}`)).status).toBe(404);
    expect((await admin.delete(`${AT}/${back.id}`)).status).toBe(204);
    expect((await signUp(back.token, "hal@example.test")).status).toBe(404);
    const old = await invite();
    await server.database.kysely
      .updateTable("invitations")
      .set({ expires_at_ms: 1 })
      .where("id", "=", old.id)
      .execute();
    expect((await signUp(old.token, "hal@example.test")).status).toBe(404);
    expect((await admin.get(AT)).text).not.toContain(`"id":${old.id},`);
  });

  test("is made by admins only, and its link is kept nowhere", async () => {
    const { client, id } = await server.addPerson(admin, "Mem");
    await admin.post("/api/v1/workspaces/TEAM/members", { user_id: id, role: "member" });
    expect((await client.post(AT, { role: "admin" })).status).toBe(403);
    const { token, id: made } = await invite();
    const list = await admin.get(AT);
    expect(list.text).toContain(`"id":${made},`);
    const everything =
      list.text +
      JSON.stringify(await server.database.kysely.selectFrom("invitations").selectAll().execute()) +
      JSON.stringify(await server.database.kysely.selectFrom("audit_log").selectAll().execute());
    expect(everything).not.toContain(token.slice(5));
    for (const body of [{ role: "owner" }, { expires_in_days: 31 }, { email: "x" }, { workspace_id: 2 }])
      expect((await admin.post(AT, body)).status).toBe(400);
  });
});
