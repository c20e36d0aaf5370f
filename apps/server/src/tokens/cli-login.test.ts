import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { CliLoginState, CliLoginView, StartedCliLogin } from "@windshift/contract/api/cli-login.ts";
import type { ApiToken } from "@windshift/contract/api/token.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { startCliLogin } from "./cli-login.ts";

// Hashes of passwords take long on a loaded machine.
setDefaultTimeout(60_000);

let server: TestServer;
let admin: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
});
afterAll(() => server.close());

const AT = "/api/v1/cli-logins";
/** As `ws` does: no cookie, no origin. */
async function start(on = server): Promise<StartedCliLogin> {
  const reply = await on
    .stranger()
    .post<StartedCliLogin>(AT, { client_name: "ws on laptop" }, { origin: "" });
  expect(reply.status).toBe(201);
  return reply.body;
}
const poll = (login: StartedCliLogin) =>
  server.stranger().post<CliLoginState>(`${AT}/poll`, { poll_secret: login.poll_secret }, { origin: "" });

describe("the sign-in of ws", () => {
  test("waits for a person in a browser, then gives a token of theirs once", async () => {
    const login = await start();
    expect(login.verification_url).toBe(`${server.url}/cli/${login.user_code}`);
    expect((await poll(login)).body).toEqual({ state: "pending", interval_s: 2 });
    const seen = await admin.get<CliLoginView>(`${AT}/${login.user_code.toLowerCase()}`);
    expect(seen.body).toMatchObject({ client_name: "ws on laptop", address: "127.0.0.1", state: "pending" });
    const approved = await admin.post(`${AT}/${login.user_code}/approve`, {
      scopes: ["read"],
      expires_in_days: 7,
    });
    expect(approved.body).toMatchObject({ state: "approved" });
    const { body } = await poll(login);
    if (body.state !== "approved") throw new Error(`the sign-in is ${body.state}`);
    expect(body.user).toMatchObject({ name: "Ada", email: "ada@example.test" });
    expect(Date.parse(body.expires_at)).toBeWithin(Date.now() + 6 * 86_400_000, Date.now() + 8 * 86_400_000);
    const client = server.withToken(body.token);
    expect((await client.get("/api/v1/me")).body).toMatchObject({
      auth: { name: "ws on laptop", scopes: ["read"] },
    });
    expect((await poll(login)).status).toBe(404);
    expect((await admin.post(`${AT}/${login.user_code}/approve`, {})).status).toBe(404);
    const { body: list } = await admin.get<{ tokens: ApiToken[] }>("/api/v1/tokens");
    expect(list.tokens.map((token) => token.name)).toEqual(["ws on laptop"]);
  });

  test("gives one token to one of several asks at the same time", async () => {
    const login = await start();
    await admin.post(`${AT}/${login.user_code}/approve`, {});
    const replies = await Promise.all([1, 2, 3, 4].map(() => poll(login)));
    expect(replies.map((reply) => reply.status).toSorted()).toEqual([200, 404, 404, 404]);
  });

  test("gives nothing when it is denied, and cannot be decided twice", async () => {
    const login = await start();
    expect((await admin.post(`${AT}/${login.user_code}/deny`)).body).toMatchObject({ state: "denied" });
    expect((await admin.post(`${AT}/${login.user_code}/approve`, {})).status).toBe(409);
    expect((await poll(login)).body).toEqual({ state: "denied" });
    expect((await poll(login)).status).toBe(404);
  });

  test("ends after ten minutes", async () => {
    const login = await start();
    await server.database.kysely
      .updateTable("cli_logins")
      .set({ expires_at_ms: Date.now() - 1_000 })
      .where("user_code", "=", login.user_code)
      .execute();
    expect((await poll(login)).status).toBe(404);
    expect((await admin.get(`${AT}/${login.user_code}`)).status).toBe(404);
    await start();
    const rows = await server.database.kysely.selectFrom("cli_logins").select("user_code").execute();
    expect(rows.map((row) => row.user_code)).not.toContain(login.user_code);
  });

  test("gives nothing to who was disabled after approving", async () => {
    const { id, client } = await server.addPerson(admin, "Gone");
    const login = await start();
    await client.post(`${AT}/${login.user_code}/approve`, {});
    await server.database.kysely
      .updateTable("user")
      .set({ disabled_at_ms: Date.now() })
      .where("id", "=", id)
      .execute();
    expect((await poll(login)).body).toEqual({ state: "denied" });
  });

  test("is approved by nobody who is not signed in, nor from another site", async () => {
    const login = await start();
    const path = `${AT}/${login.user_code}/approve`;
    expect((await server.stranger().post(path, {})).status).toBe(401);
    expect((await admin.post(path, {}, { origin: "https://evil.example" })).status).toBe(403);
    expect((await poll(login)).body).toMatchObject({ state: "pending" });
  });

  test("keeps neither secret nor token in the database", async () => {
    const login = await start();
    await admin.post(`${AT}/${login.user_code}/approve`, {});
    const rows = JSON.stringify(await server.database.kysely.selectFrom("cli_logins").selectAll().execute());
    expect(rows).not.toContain(login.poll_secret.slice(5));
    expect(rows).not.toContain("wst_");
  });

  test("takes the place of the oldest of the network that floods, not of another's", async () => {
    const { database, close } = await startTestServer();
    try {
      const begin = async (address: string) =>
        (await startCliLogin(database, { name: address, address }, 4)).row.user_code;
      const mine = await begin("192.0.2.1");
      const decided = await begin("2001:db8::1");
      await database.kysely
        .updateTable("cli_logins")
        .set({ state: "denied" })
        .where("user_code", "=", decided)
        .execute();
      const [first, second] = [await begin("2001:db8::2"), await begin("2001:db8::3")];
      const [third, theirs] = [await begin("2001:db8::4"), await begin("192.0.2.2")];
      const rows = await database.kysely.selectFrom("cli_logins").select("user_code").orderBy("id").execute();
      const left = rows.map(({ user_code }) => user_code);
      expect(left).toEqual([mine, decided, third, theirs]);
      expect(left).not.toContain(first);
      expect(left).not.toContain(second);
    } finally {
      await close();
    }
  });

  test("is begun ten times a minute from one address, and guessed by nobody", async () => {
    const other = await startTestServer();
    try {
      for (let n = 0; n < 10; n++) await start(other);
      const eleventh = await other.stranger().post(AT, { client_name: "x" });
      expect(eleventh.status).toBe(429);
      expect(Number(eleventh.headers.get("retry-after"))).toBeWithin(1, 61);
      const client = await other.setUp();
      const guesses = [];
      for (let n = 0; n < 31; n++) guesses.push((await client.get(`${AT}/BCDF-GHJK`)).status);
      expect(guesses.slice(0, 30)).toEqual(Array.from({ length: 30 }, () => 404));
      expect(guesses[30]).toBe(429);
    } finally {
      await other.close();
    }
  });
});
