import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { scryptSync } from "node:crypto";
import { createDatabase } from "@windshift/testing/database-fixture.ts";
import { getMigrations } from "better-auth/db/migration";
import { openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import type { TestClient } from "../testing/test-client.ts";
import { signInAs, startTestServer, type TestServer } from "../testing/test-server.ts";
import { createTestWorkspace } from "../testing/test-workspace.ts";
import { createSignIn } from "./sign-in.ts";
import { authOptions } from "./sign-in-library.ts";
import { insertPerson } from "./user-store.ts";

// Hashes of passwords take long on a loaded machine.
setDefaultTimeout(60_000);

const ADA = { email: "ada@example.test", password: "correct horse battery" };
const SECRET = "a test secret that is long enough to sign with 0123456789";
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
let server: TestServer;
let admin: TestClient;

beforeAll(async () => {
  server = await startTestServer({ realPasswords: true });
  admin = await server.setUp();
});
afterAll(() => server.close());

test("the sign-in library finds its tables as it wants them", async () => {
  const fixture = await createDatabase(process.env);
  const database = await openDatabase({ url: fixture.url, sqliteFile: fixture.sqliteFile });
  try {
    await migrate(database);
    const wanted = await getMigrations(
      authOptions({ database, log: SILENT, baseUrl: "http://localhost", secret: SECRET }),
    );
    expect(wanted.toBeCreated).toEqual([]);
    expect(wanted.toBeAdded).toEqual([]);
  } finally {
    await database.close();
    await fixture.drop();
  }
});

test("a password is kept as a salt and its scrypt, unless a test says otherwise", async () => {
  const row = await server.database.kysely.selectFrom("account").select("password").executeTakeFirstOrThrow();
  const [salt = "", key = "", ...more] = (row.password ?? "").split(":");
  const cost = { N: 16_384, r: 16, p: 1, maxmem: 64 * 1_048_576 };
  expect(more).toEqual([]);
  expect(salt).toMatch(/^[0-9a-f]{32}$/);
  expect(key).toBe(scryptSync(ADA.password, salt, 64, cost).toString("hex"));
});

describe("WB-07 a session", () => {
  test("has a new name of at least 128 random bits at each sign-in, whatever the browser brought", async () => {
    const brought = "windshift.session_token=attacker-chose-this.c2lnbmF0dXJl";
    const client = server.stranger().steal(brought);
    await signInAs(client, ADA.email);
    await signInAs(client, ADA.email);
    const tokens = client.setCookies.flatMap(
      (line) => /^windshift\.session_token=([^;.]+)/.exec(line)?.[1] ?? [],
    );
    expect(new Set(tokens).size).toBe(2);
    for (const token of tokens) expect(token.length).toBeGreaterThanOrEqual(22);
    expect(tokens).not.toContain("attacker-chose-this");
  });

  test("is kept from scripts and other sites", async () => {
    const client = await signInAs(server.stranger(), ADA.email);
    const line = client.setCookies.find((cookie) => cookie.startsWith("windshift.session_token=")) ?? "";
    expect(line).toContain("HttpOnly");
    expect(line).toContain("SameSite=Lax");
    expect(line).toContain("Path=/");
  });

  test("is bound to the host and to https where the server has it", async () => {
    const secure = await startTestServer({ realPasswords: true, baseUrl: "https://wind.example" });
    try {
      const person = { name: "Ada", ...ADA };
      const headers = { origin: "https://wind.example" };
      const client = secure.stranger();
      expect((await client.post("/api/v1/setup", person, headers)).status).toBe(201);
      expect((await client.post("/api/auth/sign-in/email", ADA, headers)).status).toBe(200);
      const line = client.setCookies.find((cookie) => cookie.includes("session_token")) ?? "";
      expect(line).toStartWith("__Host-windshift.session_token=");
      expect(line).toContain("Secure");
      expect(line).not.toContain("Domain");
      expect((await client.get("/api/v1/me", headers)).status).toBe(200);
    } finally {
      await secure.close();
    }
  });

  test("is over on the server after sign-out, for whoever kept its cookie", async () => {
    const client = await signInAs(server.stranger(), ADA.email);
    const other = await signInAs(server.stranger(), ADA.email);
    const thief = server.stranger().steal(client.cookieHeader());
    expect((await thief.get("/api/v1/me")).status).toBe(200);
    expect((await client.post("/api/auth/sign-out")).status).toBe(200);
    expect((await thief.get("/api/v1/me")).status).toBe(401);
    expect((await other.get("/api/v1/me")).status).toBe(200);
  });

  test("ends a fixed time after sign-in, and when it is not used", async () => {
    const day = 86_400_000;
    const date = (ms: number) => new Date(Date.now() + ms).toISOString();
    const old = await signInAs(server.stranger(), ADA.email);
    await newestSession({ createdAt: date(-31 * day) });
    expect((await old.get("/api/v1/me")).status).toBe(401);
    const idle = await signInAs(server.stranger(), ADA.email);
    await newestSession({ expiresAt: date(-1_000) });
    expect((await idle.get("/api/v1/me")).status).toBe(401);
  });

  test("leaves nothing in the browser's store of pages, for who goes back after sign-out", async () => {
    const client = await signInAs(server.stranger(), ADA.email);
    for (const path of ["/api/v1/me", "/api/v1/workspaces", "/api/v1/admin/users", "/api/v1/none"])
      expect([path, (await client.get(path)).headers.get("cache-control")]).toEqual([path, "no-store"]);
  });

  test("is not opened by a changed cookie, nor by a token in the address", async () => {
    const client = await signInAs(server.stranger(), ADA.email);
    const cookie = client.cookieHeader();
    const forged = server
      .stranger()
      .steal(cookie.replace(/\.(.)/, (_, c: string) => `.${c === "A" ? "B" : "A"}`));
    expect((await forged.get("/api/v1/me")).status).toBe(401);
    expect((await server.stranger().get(`/api/v1/me?token=${encodeURIComponent(cookie)}`)).status).toBe(401);
  });

  async function newestSession(change: Record<string, string>): Promise<void> {
    const rows = await server.database.kysely.selectFrom("session").selectAll().execute();
    const newest = rows.toSorted(
      (a, b) => new Date(b.createdAt).getTime() - new Date(a.createdAt).getTime(),
    )[0];
    if (newest === undefined) throw new Error("somebody is signed in");
    await server.database.kysely.updateTable("session").set(change).where("id", "=", newest.id).execute();
  }
});

describe("sign-in", () => {
  test("is refused with a wrong password, for unknown people and for agents, in the same words", async () => {
    const workspace = await createTestWorkspace(admin, "SIGN");
    const agent = await server.database.kysely
      .selectFrom("user")
      .select("email")
      .where("id", "=", workspace.agent.id)
      .executeTakeFirstOrThrow();
    const replies = [];
    for (const email of [ADA.email, "nobody@example.test", agent.email])
      replies.push(
        await server.stranger().post("/api/auth/sign-in/email", { email, password: "wrong horse battery" }),
      );
    expect(replies.map((r) => r.status)).toEqual([401, 401, 401]);
    expect(new Set(replies.map((r) => r.text)).size).toBe(1);
  });

  test("WB-18 that fails is told in the audit log and the server's log, with the account or a hash of what was typed", async () => {
    const { database, signIn, lines } = await startLimited(12);
    try {
      const id = await signIn
        .hashPassword(ADA.password)
        .then((passwordHash) =>
          database.transaction((tx) => insertPerson(tx, { name: "Ada", ...ADA, passwordHash, admin: false })),
        );
      const guess = (email: string, address: string, password = "wrong horse battery") =>
        signIn.handle(
          new Request("http://localhost/api/auth/sign-in/email", {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ email, password }),
          }),
          address,
        );
      expect((await guess("Ada@example.test", "198.51.100.1")).status).toBe(401);
      expect((await guess("my-password@typed.here", "198.51.100.2")).status).toBe(401);
      expect((await guess("my-password@typed.here", "198.51.100.2")).status).toBe(401);
      expect((await guess("not an address", "198.51.100.2")).status).toBe(400);
      expect((await guess(ADA.email, "198.51.100.2", ADA.password)).status).toBe(200);
      const failures = async () =>
        (
          await database.kysely
            .selectFrom("audit_log")
            .select(["actor", "subject", "data"])
            .where("action", "=", "user.sign_in_failed")
            .orderBy("id")
            .execute()
        ).map(({ data, ...row }) => ({ ...row, ...JSON.parse(data) }));
      const hash = expect.stringMatching(/^unknown e-mail [0-9a-f]{16}$/);
      const code = "unauthenticated";
      const first = await failures();
      expect(first).toEqual([
        { actor: "system", subject: `user ${id}`, code, ip: "198.51.100.1" },
        { actor: "system", subject: hash, code, ip: "198.51.100.2" },
        { actor: "system", subject: hash, code, ip: "198.51.100.2" },
      ]);
      expect(first[1]?.subject).toBe(first[2]?.subject);
      // Twelve of a minute are tried and ten of them told, and once that there were more.
      const statuses = [];
      for (let n = 0; n < 15; n++) statuses.push((await guess(ADA.email, "198.51.100.3")).status);
      expect(statuses.filter((status) => status === 429)).toHaveLength(3);
      const flood = (await failures()).filter(({ ip }) => ip === "198.51.100.3").map((line) => line.code);
      expect(flood).toEqual([...Array.from({ length: 10 }, () => code), "rate_limited"]);
      const log = lines.join("\n");
      expect(log).toContain(`user ${id}`);
      expect(log).not.toContain("my-password");
      expect(log).not.toContain("wrong horse");
    } finally {
      await database.close();
    }
  });

  test("offers nobody an account of their own making, and nothing else of the library", async () => {
    const body = { name: "Eve", email: "eve@example.test", password: "correct horse battery", admin: 1 };
    for (const path of [
      "sign-up/email",
      "update-user",
      "change-email",
      "delete-user",
      "request-password-reset",
      "ok",
    ])
      expect((await admin.post(`/api/auth/${path}`, body)).status).toBe(404);
  });

  test("is tried only so often from one address, whatever the headers claim", async () => {
    const { database, signIn } = await startLimited(3);
    const guess = async (address: string, n: number) => {
      const request = new Request("http://localhost/api/auth/sign-in/email", {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "x-forwarded-for": `10.0.0.${n}`,
          "x-windshift-client-address": `10.0.0.${n}`,
        },
        body: JSON.stringify({ email: ADA.email, password: `wrong horse battery ${n}` }),
      });
      return signIn.handle(request, address);
    };
    try {
      const replies = [];
      for (let n = 0; n < 4; n++) replies.push(await guess("192.0.2.1", n));
      expect(replies.map((r) => r.status)).toEqual([401, 401, 401, 429]);
      expect(Number(replies[3]?.headers.get("retry-after"))).toBeGreaterThan(0);
      expect((await guess("192.0.2.2", 0)).status).toBe(401);
    } finally {
      await database.close();
    }
  });

  async function startLimited(triesMax: number) {
    const fixture = await createDatabase(process.env);
    const database = await openDatabase({ url: fixture.url, sqliteFile: fixture.sqliteFile });
    await migrate(database);
    const lines: string[] = [];
    const signIn = createSignIn({
      database,
      log: { ...SILENT, warn: (fields, message) => void lines.push(JSON.stringify({ ...fields, message })) },
      baseUrl: "http://localhost",
      secret: SECRET,
      triesMax,
    });
    const close = async () => {
      await database.close();
      await fixture.drop();
    };
    return { database: { ...database, close }, signIn, lines };
  }
});

describe("WB-06 a request with a session", () => {
  test("changes nothing when another site sends it", async () => {
    const body = JSON.stringify({ key: "EVIL", name: "Evil" });
    for (const headers of [
      { origin: "https://evil.example" },
      { origin: "null" },
      { origin: "", "sec-fetch-site": "cross-site" },
      { origin: "", "sec-fetch-site": "same-site" },
      { origin: "" },
      { "content-type": "text/plain" },
      { "content-type": "application/x-www-form-urlencoded" },
    ] as Record<string, string>[])
      expect((await admin.send("POST", "/api/v1/workspaces", body, headers)).status).toBeOneOf([403, 415]);
    expect((await admin.get("/api/v1/workspaces", { origin: "https://evil.example" })).status).toBe(403);
    expect((await admin.get("/api/v1/workspaces/EVIL")).status).toBe(404);
    const signOut = await admin.send("POST", "/api/auth/sign-out", "{}", { origin: "https://evil.example" });
    expect(signOut.status).toBe(403);
    expect((await admin.get("/api/v1/me")).status).toBe(200);
  });
});
