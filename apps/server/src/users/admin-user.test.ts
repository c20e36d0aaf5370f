import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { StartedCliLogin } from "@windshift/contract/api/cli-login.ts";
import type { ApiTokenWithSecret } from "@windshift/contract/api/token.ts";
import type {
  AdminUser,
  AdminUserPage,
  MadeAdminUser,
  PasswordLink,
  SessionView,
} from "@windshift/contract/api/user.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { create } from "../testing/test-workspace.ts";

// Hashes of passwords take long on a loaded machine.
setDefaultTimeout(60_000);

let server: TestServer;
let admin: TestClient;
let adminId: string;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  adminId = (await admin.get<{ id: string }>("/api/v1/me")).body.id;
  await create(admin, "/api/v1/workspaces", { key: "TEAM", name: "Team" });
});
afterAll(() => server.close());

const AT = "/api/v1/admin/users";
const PASSWORD = "correct horse battery";
const signIn = (client: TestClient, email: string, password: string) =>
  client.post("/api/auth/sign-in/email", { email, password });
const actionsOn = async (id: string) =>
  (
    await server.database.kysely
      .selectFrom("audit_log")
      .select("action")
      .where("subject", "=", `user ${id}`)
      .orderBy("id")
      .execute()
  ).map((line) => line.action);

describe("the list of people", () => {
  test("is searched by name and e-mail, letter by letter, and read page by page", async () => {
    for (const name of ["Zed", "Zoe", "Zack"]) await server.addPerson(admin, name);
    const page = (query: string) => admin.get<AdminUserPage>(`${AT}?${query}`);
    const names = (page: AdminUserPage) => page.users.map((user) => user.name);
    expect(names((await page("q=z")).body)).toEqual(["Zack", "Zed", "Zoe"]);
    expect(names((await page("q=zoe%40EXAMPLE.test")).body)).toEqual(["Zoe"]);
    const first = await page("q=z&limit=2");
    expect(names(first.body)).toEqual(["Zack", "Zed"]);
    expect(names((await page(`q=z&limit=2&after=${first.body.next_after}`)).body)).toEqual(["Zoe"]);
  });

  test("WB-16 takes what is typed for text, whatever it looks like", async () => {
    for (const q of [
      "%",
      "_",
      "' or 1=1 --",
      "\\",
      "%%%%%%%%%%a%%%%%%%%%%",
      "z' union select token from session --",
    ]) {
      const reply = await admin.get<AdminUserPage>(`${AT}?q=${encodeURIComponent(q)}`);
      expect([q, reply.status, reply.body.users]).toEqual([q, 200, []]);
    }
    expect((await admin.get(`${AT}?q=${"x".repeat(201)}`)).status).toBe(400);
    expect((await admin.get(`${AT}?limit=1000`)).status).toBe(400);
  });
});

describe("a person made by an administrator", () => {
  test("chooses a password with a link that works once", async () => {
    const made = await admin.post<MadeAdminUser>(AT, { name: "Lin", email: "Lin@example.test" });
    expect(made.status).toBe(201);
    expect(made.body.user).toMatchObject({ email: "lin@example.test", sign_in: [], admin: false });
    const url = made.body.password_link?.url ?? "";
    expect(url).toStartWith(`${server.url}/reset/wspr_`);
    const token = url.slice(url.lastIndexOf("/") + 1);
    const look = await server.stranger().post("/api/v1/password-links/view", { token });
    expect(look.body).toMatchObject({ name: "Lin", email: "lin@example.test" });
    const use = () =>
      server.stranger().post("/api/v1/password-links/reset", { token, password: "a new long password" });
    const replies = await Promise.all([use(), use()]);
    expect(replies.map((reply) => reply.status).toSorted()).toEqual([204, 404]);
    expect((await use()).status).toBe(404);
    expect((await signIn(server.stranger(), "lin@example.test", "a new long password")).status).toBe(200);
    const rows = await server.database.kysely.selectFrom("password_links").selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(token.slice(5));
    expect(await actionsOn(made.body.user.id)).toEqual([
      "user.created",
      "user.password_link_made",
      "user.password_set",
      "user.signed_in",
    ]);
  });

  test("WB-15 gets no right from a field of the body", async () => {
    const body = { name: "Mal", email: "mal@example.test", password: PASSWORD };
    for (const extra of [{ admin: true }, { kind: "agent" }, { id: "x" }, { disabled_at_ms: 1 }])
      expect((await admin.post(AT, { ...body, ...extra })).status).toBe(400);
    expect((await admin.patch(`${AT}/${adminId}`, { email: "other@example.test" })).status).toBe(400);
  });
});

describe("a link to choose a password", () => {
  test("replaces the one before, ends sessions, and is too old after a day", async () => {
    const { id, client } = await server.addPerson(admin, "Ivy");
    const link = async () =>
      (await create<PasswordLink>(admin, `${AT}/${id}/password-link`, {})).url.split("/").at(-1) ?? "";
    const first = await link();
    const second = await link();
    const use = (token: string) =>
      server.stranger().post("/api/v1/password-links/reset", { token, password: "another long password" });
    expect((await use(first)).status).toBe(404);
    expect((await client.get("/api/v1/me")).status).toBe(200);
    expect((await use(second)).status).toBe(204);
    expect((await client.get("/api/v1/me")).status).toBe(401);
    expect((await signIn(server.stranger(), "ivy@example.test", PASSWORD)).status).toBe(401);
    const old = await link();
    await server.database.kysely.updateTable("password_links").set({ expires_at_ms: 1 }).execute();
    expect((await use(old)).status).toBe(404);
  });
});

describe("WB-07 all that speaks for a person", () => {
  /** Somebody with a session, a token, and a sign-in of `ws` that they approved and nobody fetched. */
  async function somebody(name: string) {
    const { id, client } = await server.addPerson(admin, name);
    const { token } = await create<ApiTokenWithSecret>(client, "/api/v1/tokens", { name: "x" });
    const login = await create<StartedCliLogin>(server.stranger(), "/api/v1/cli-logins", {
      client_name: "ws",
    });
    expect((await client.post(`/api/v1/cli-logins/${login.user_code}/approve`)).status).toBe(200);
    const fetched = () =>
      server.stranger().post("/api/v1/cli-logins/poll", { poll_secret: login.poll_secret });
    return { id, client, bearer: server.withToken(token), fetched };
  }
  const told = async (id: string, action: string) => {
    const { data } = await server.database.kysely
      .selectFrom("audit_log")
      .select("data")
      .where("subject", "=", `user ${id}`)
      .where("action", "=", action)
      .executeTakeFirstOrThrow();
    return JSON.parse(data);
  };
  const ALL = { tokens: 1, cli_logins: 1, ip: "127.0.0.1" };

  test("ends when a password is chosen with a link", async () => {
    const { id, client, bearer, fetched } = await somebody("Una");
    const { url } = await create<PasswordLink>(admin, `${AT}/${id}/password-link`, {});
    const reset = { token: url.split("/").at(-1), password: "another long password" };
    expect((await server.stranger().post("/api/v1/password-links/reset", reset)).status).toBe(204);
    expect((await client.get("/api/v1/me")).status).toBe(401);
    expect((await bearer.get("/api/v1/me")).status).toBe(401);
    expect((await fetched()).status).toBe(404);
    expect(await told(id, "user.password_set")).toEqual({ ...ALL, by: "link", sessions: 1 });
  });

  test("ends when an administrator signs them out everywhere, and only theirs", async () => {
    const [out, other] = [await somebody("Ugo"), await somebody("Uwe")];
    expect((await admin.delete(`${AT}/${out.id}/sessions`)).status).toBe(204);
    expect((await out.client.get("/api/v1/me")).status).toBe(401);
    expect((await out.bearer.get("/api/v1/me")).status).toBe(401);
    expect((await out.fetched()).status).toBe(404);
    expect(await told(out.id, "user.signed_out")).toEqual({ ...ALL, sessions: 1 });
    expect((await other.client.get("/api/v1/me")).status).toBe(200);
    expect((await other.bearer.get("/api/v1/me")).status).toBe(200);
    expect((await other.fetched()).body).toMatchObject({ state: "approved" });
  });

  test("ends but for the browser at which they change the password or sign out everywhere else", async () => {
    const pat = await somebody("Uli");
    const change = { current_password: PASSWORD, new_password: "the next long password" };
    expect((await pat.client.post("/api/v1/me/password", change)).status).toBe(204);
    expect(await told(pat.id, "user.password_set")).toEqual({ ...ALL, by: "password", sessions: 0 });
    const sue = await somebody("Uta");
    expect((await sue.client.delete("/api/v1/me/sessions")).status).toBe(204);
    expect(await told(sue.id, "user.sessions_ended")).toEqual({ ...ALL, sessions: 0 });
    for (const { client, bearer, fetched } of [pat, sue]) {
      expect((await client.get("/api/v1/me")).status).toBe(200);
      expect((await bearer.get("/api/v1/me")).status).toBe(401);
      expect((await fetched()).status).toBe(404);
    }
  });
});

describe("a disabled person", () => {
  test("is out of every session and token at once, and cannot come back", async () => {
    const { id, client } = await server.addPerson(admin, "Leo");
    await admin.post("/api/v1/workspaces/TEAM/members", { user_id: id, role: "member" });
    const { token } = await create<ApiTokenWithSecret>(client, "/api/v1/tokens", { name: "x" });
    const bearer = server.withToken(token);
    expect((await bearer.get("/api/v1/workspaces/TEAM")).status).toBe(200);
    const reply = await admin.patch<AdminUser>(`${AT}/${id}`, { disabled: true });
    expect(reply.body).toMatchObject({ disabled: true });
    expect((await client.get("/api/v1/me")).status).toBe(401);
    expect((await bearer.get("/api/v1/me")).status).toBe(401);
    const refused = await signIn(server.stranger(), "leo@example.test", PASSWORD);
    expect([refused.status, refused.text]).toEqual([
      401,
      expect.stringContaining("this account is disabled"),
    ]);
    const wrong = await signIn(server.stranger(), "leo@example.test", "a wrong password");
    expect(wrong.text).not.toContain("disabled");
    expect((await admin.post(`${AT}/${id}/password-link`)).status).toBe(409);
    expect((await admin.patch(`${AT}/${id}`, { disabled: false })).status).toBe(200);
    expect((await bearer.get("/api/v1/me")).status).toBe(401);
    expect((await signIn(server.stranger(), "leo@example.test", PASSWORD)).status).toBe(200);
    expect(await actionsOn(id)).toEqual([
      "user.created",
      "user.signed_in",
      "member.set",
      "user.disabled",
      "user.sign_in_failed",
      "user.sign_in_failed",
      "user.enabled",
      "user.signed_in",
    ]);
  });

  test("is never the last administrator, also when two take each other's right at once", async () => {
    expect((await admin.patch(`${AT}/${adminId}`, { disabled: true })).status).toBe(409);
    expect((await admin.patch(`${AT}/${adminId}`, { admin: false })).status).toBe(409);
    const { id, client } = await server.addPerson(admin, "Second");
    expect((await admin.patch(`${AT}/${id}`, { admin: true })).status).toBe(200);
    expect((await client.get(AT)).status).toBe(200);
    const replies = await Promise.all([
      admin.patch(`${AT}/${id}`, { admin: false }),
      client.patch(`${AT}/${adminId}`, { admin: false }),
    ]);
    expect(replies.map((reply) => reply.status === 200).toSorted()).toEqual([false, true]);
    const left = await server.database.kysely
      .selectFrom("user")
      .select("id")
      .where("admin", "=", 1)
      .execute();
    expect(left).toHaveLength(1);
    await server.database.kysely.updateTable("user").set({ admin: 1 }).where("id", "=", adminId).execute();
  });

  test("is a person: an agent is not found here", async () => {
    const agent = await create<{ id: string }>(admin, "/api/v1/workspaces/TEAM/agents", { name: "Robin" });
    expect((await admin.patch(`${AT}/${agent.id}`, { admin: true })).status).toBe(404);
    expect((await admin.post(`${AT}/${agent.id}/password-link`)).status).toBe(404);
    expect((await admin.get(AT)).text).not.toContain(agent.id);
  });
});

describe("one's own account", () => {
  test("changes its password with the present one; the other sessions end", async () => {
    const { client } = await server.addPerson(admin, "Pat");
    const other = server.stranger();
    await signIn(other, "pat@example.test", PASSWORD);
    const change = (current_password: string) =>
      client.post("/api/v1/me/password", { current_password, new_password: "the next long password" });
    expect((await change("not the password")).text).toContain("current_password");
    expect((await other.get("/api/v1/me")).status).toBe(200);
    expect((await change(PASSWORD)).status).toBe(204);
    expect((await other.get("/api/v1/me")).status).toBe(401);
    expect((await client.get("/api/v1/me")).status).toBe(200);
    expect((await signIn(server.stranger(), "pat@example.test", "the next long password")).status).toBe(200);
  });

  test("guesses its own password ten times a minute", async () => {
    const { client } = await server.addPerson(admin, "Guess");
    const statuses = [];
    for (let n = 0; n < 11; n++)
      statuses.push(
        (
          await client.post("/api/v1/me/password", {
            current_password: `guess number ${n}`,
            new_password: "the next long password",
          })
        ).status,
      );
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 400), 429]);
  });

  test("WB-07 sees its sessions without what signs in, and ends them one by one or all", async () => {
    const { client } = await server.addPerson(admin, "Sue");
    const others = [server.stranger(), server.stranger(), server.stranger()] as const;
    for (const other of others) await signIn(other, "sue@example.test", PASSWORD);
    const list = await client.get<{ sessions: SessionView[] }>("/api/v1/me/sessions");
    expect(list.body.sessions.map((s) => s.current).toSorted()).toEqual([false, false, false, true]);
    expect(list.body.sessions[0]).toMatchObject({ address: "127.0.0.1" });
    for (const row of await server.database.kysely.selectFrom("session").selectAll().execute())
      expect(list.text).not.toContain((row as unknown as { token: string }).token);
    const { body: seen } = await others[0].get<{ sessions: SessionView[] }>("/api/v1/me/sessions");
    const mine = seen.sessions.find((s) => s.current)?.id ?? "";
    expect((await admin.delete(`/api/v1/me/sessions/${mine}`)).status).toBe(404);
    expect((await client.delete(`/api/v1/me/sessions/${mine}`)).status).toBe(204);
    expect((await others[0].get("/api/v1/me")).status).toBe(401);
    expect((await others[1].get("/api/v1/me")).status).toBe(200);
    expect((await client.delete("/api/v1/me/sessions")).status).toBe(204);
    for (const other of others) expect((await other.get("/api/v1/me")).status).toBe(401);
    expect((await client.get("/api/v1/me")).status).toBe(200);
  });

  test("WB-07 is signed in without a word in the body that signs in", async () => {
    const reply = await signIn(server.stranger(), "ada@example.test", PASSWORD);
    expect([reply.status, reply.text]).toEqual([200, "{}"]);
  });

  test("is renamed by its owner", async () => {
    const { client } = await server.addPerson(admin, "Nam");
    expect((await client.patch("/api/v1/me", { name: "Nam Nguyen" })).status).toBe(204);
    expect((await client.get("/api/v1/me")).body).toMatchObject({ name: "Nam Nguyen" });
    expect((await client.patch("/api/v1/me", { name: "Nam\u0007" })).status).toBe(400);
    expect((await client.patch("/api/v1/me", { name: "Nam", admin: true })).status).toBe(400);
  });
});

test("WB-18 nobody is signed in, made or disabled when the audit log cannot be written", async () => {
  const { id, client } = await server.addPerson(admin, "Quiet");
  const { schema } = server.database.kysely;
  await schema.alterTable("audit_log").renameTo("audit_gone").execute();
  try {
    const refused = await signIn(server.stranger(), "quiet@example.test", PASSWORD);
    expect([refused.status, refused.text]).toEqual([500, expect.stringContaining("something went wrong")]);
    expect(refused.text).not.toContain("audit_log");
    expect(server.logLines.join("\n")).toContain("audit_log");
    expect((await admin.patch(`${AT}/${id}`, { disabled: true })).status).toBe(500);
    expect((await admin.post(AT, { name: "New", email: "new@example.test" })).status).toBe(500);
    expect((await client.post("/api/v1/tokens", { name: "x" })).status).toBe(500);
  } finally {
    await schema.alterTable("audit_gone").renameTo("audit_log").execute();
  }
  expect((await client.get("/api/v1/me")).status).toBe(200);
  expect((await admin.get(`${AT}?q=new%40example.test`)).body).toMatchObject({ users: [] });
  expect((await client.get("/api/v1/tokens")).body).toEqual({ tokens: [] });
  const sessions = await server.database.kysely
    .selectFrom("session")
    .select("id")
    .where("userId", "=", id)
    .execute();
  expect(sessions).toHaveLength(1);
});
