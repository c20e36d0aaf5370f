import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { AdminUserPage, Me } from "@windshift/contract/api/user.ts";
import { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { beginOidc } from "./oidc-login.ts";
import { type Misbehavior, startTestProvider, type TestProvider } from "./oidc-provider.fixture.ts";
import { createOidcProvider } from "./oidc-provider.ts";
import { ownPath } from "./oidc-routes.ts";

// Hashes of passwords take long on a loaded machine.
setDefaultTimeout(60_000);

let provider: TestProvider;
let server: TestServer;
let admin: TestClient;
beforeAll(async () => {
  provider = startTestProvider();
  const { issuer, clientId, clientSecret } = provider;
  server = await startTestServer({
    oidc: { issuer, clientId, clientSecret, name: "Acme", autoCreate: true },
  });
  admin = await server.setUp();
});
afterAll(async () => {
  await server.close();
  await provider.close();
});
beforeEach(() => {
  provider.misbehave = {};
  provider.userinfo = undefined;
});

let people = 0;
/** Somebody new is signed in at the provider. */
function newPerson(more: object = {}): string {
  people += 1;
  const email = `person${people}@idp.example`;
  provider.person = { sub: `sub-${people}`, name: `Person ${people}`, email, email_verified: true, ...more };
  return email;
}

/** Of all people of a test. */
const OWN_PASSWORD = { current_password: "correct horse battery" };

/** A browser that follows no link by itself; the provider's link back comes from another site. */
const browser = () => new TestClient(server.url);
const FROM_ELSEWHERE = { origin: "", "content-type": "", "sec-fetch-site": "cross-site" };

async function start(client: TestClient, returnTo = "/"): Promise<string> {
  const reply = await client.get(`/api/oidc/start?return_to=${encodeURIComponent(returnTo)}`, {
    origin: "",
    "sec-fetch-site": "same-origin",
  });
  expect(reply.status).toBe(302);
  return reply.headers.get("location") ?? "";
}
async function comeBack(client: TestClient, back: URL): Promise<string> {
  const reply = await client.get(back.pathname + back.search, FROM_ELSEWHERE);
  expect([reply.status, reply.text]).toEqual([302, ""]);
  return reply.headers.get("location") ?? "";
}
/** All of it. @returns where the browser ends up */
const signIn = async (client: TestClient, returnTo?: string) =>
  comeBack(client, await provider.visit(await start(client, returnTo)));
const me = (client: TestClient) => client.get<Me>("/api/v1/me");

describe("sign-in by an OpenID provider", () => {
  test("is offered by name, and asks with PKCE, state and nonce", async () => {
    expect((await browser().get("/api/v1/setup")).body).toEqual({
      set_up: true,
      oidc: { name: "Acme", sign_in_path: "/api/oidc/start" },
    });
    const url = new URL(await start(browser()));
    expect(url.origin).toBe(provider.issuer);
    for (const name of ["state", "nonce", "code_challenge"])
      expect(url.searchParams.get(name)?.length).toBeGreaterThanOrEqual(43);
    expect(url.searchParams.get("code_challenge_method")).toBe("S256");
    expect(url.searchParams.get("redirect_uri")).toBe(`${server.url}/api/oidc/callback`);
    expect(url.href).not.toContain(encodeURIComponent(provider.clientSecret));
  });

  test("makes an account at the first time and finds it by issuer and subject ever after", async () => {
    const email = newPerson();
    const client = browser();
    expect(await signIn(client, "/w/TEAM?q=1#x")).toBe("/w/TEAM?q=1#x");
    const first = await me(client);
    expect(first.body).toMatchObject({
      email,
      admin: false,
      has_password: false,
      oidc_linked: true,
      workspaces: [],
    });
    provider.person = { ...provider.person, email: "renamed@idp.example", name: "Renamed" };
    const again = browser();
    await signIn(again);
    expect((await me(again)).body).toMatchObject({ id: first.body.id, email });
    const listed = await admin.get<AdminUserPage>(`/api/v1/admin/users?q=${email}`);
    expect(listed.body.users[0]?.sign_in).toEqual(["oidc"]);
  });

  test("reads the e-mail address from the user information when the token has none", async () => {
    newPerson({ email: undefined, email_verified: undefined });
    provider.userinfo = { email: "late@idp.example", email_verified: true };
    const client = browser();
    await signIn(client);
    expect((await me(client)).body).toMatchObject({ email: "late@idp.example" });
  });

  test("gives one account to two windows at the same time", async () => {
    newPerson();
    const windows = [browser(), browser()] as const;
    const backs = await Promise.all(windows.map(async (w) => provider.visit(await start(w))));
    const ends = await Promise.all(windows.map((w, n) => comeBack(w, backs[n] ?? new URL("x:"))));
    expect(ends).toEqual(["/", "/"]);
    expect((await me(windows[0])).body.id).toBe((await me(windows[1])).body.id);
  });

  test("starts a session as any other does, over after sign-out", async () => {
    newPerson();
    const client = browser();
    await signIn(client);
    const cookie = client.setCookies.find((line) => line.startsWith("windshift.session_token=")) ?? "";
    expect(cookie).toContain("HttpOnly");
    expect(cookie).toContain("SameSite=Lax");
    const thief = browser().steal(client.cookieHeader());
    expect((await client.post("/api/auth/sign-out")).status).toBe(200);
    expect((await me(thief)).status).toBe(401);
  });

  test("is closed to who is disabled", async () => {
    newPerson();
    const client = browser();
    await signIn(client);
    const { id } = (await me(client)).body;
    await admin.patch(`/api/v1/admin/users/${id}`, { disabled: true });
    expect((await me(client)).status).toBe(401);
    expect(await signIn(browser())).toBe("/login?problem=oidc_disabled");
  });
});

describe("WB-08 a sign-in is refused", () => {
  const WRONG: [name: string, misbehavior: Misbehavior, why: string][] = [
    ["a token without a signature", { alg: "none" }, '"alg" header'],
    ["a token signed with the client secret", { alg: "HS256" }, '"alg" header'],
    ["a token signed with a foreign key", { foreignKey: true }, "signature verification"],
    ["a token changed after it was signed", { tampered: true }, "signature verification"],
    ["a token for another client", { claims: { aud: "another-client" } }, '"aud"'],
    ["a token given to another client", { claims: { aud: ["client-one", "x"], azp: "x" } }, '"azp"'],
    ["a token of another issuer", { claims: { iss: "https://id.example.com" } }, '"iss"'],
    ["a token of an issuer that only begins the same", { claims: { iss: "http://127.0.0.1" } }, '"iss"'],
    ["a token with another nonce", { claims: { nonce: "x".repeat(43) } }, '"nonce"'],
    ["a token without a nonce", { claims: { nonce: undefined } }, '"nonce"'],
    ["a token that has expired", { claims: { exp: Math.floor(Date.now() / 1_000) - 120 } }, '"exp"'],
    ["a token without a subject", { claims: { sub: undefined } }, '"sub"'],
    ["no token", { noIdToken: true }, '"id_token"'],
    ["an answer in the name of another issuer", { answerIss: "https://id.example.com" }, '"iss"'],
  ];
  test.each(WRONG)("with %s", async (_, misbehavior, why) => {
    newPerson();
    provider.misbehave = misbehavior;
    const client = browser();
    expect(await signIn(client)).toBe("/login?problem=oidc_failed");
    expect((await me(client)).status).toBe(401);
    const line = JSON.parse(server.logLines.findLast((text) => text.includes("oidc_failed")) ?? "{}");
    expect(line.cause).toContain(why);
    provider.misbehave = {};
    expect(await signIn(client)).toBe("/");
  });

  test("with a state that is missing, made up or used before, and its code is not even tried", async () => {
    newPerson();
    const client = browser();
    const back = await provider.visit(await start(client));
    const tried = provider.exchanged.length;
    for (const state of [undefined, "", "x".repeat(43)]) {
      const other = new URL(back);
      if (state === undefined) other.searchParams.delete("state");
      else other.searchParams.set("state", state);
      expect(await comeBack(client, other)).toBe("/login?problem=oidc_stale");
    }
    expect(provider.exchanged.length).toBe(tried);
    const fresh = await provider.visit(await start(client));
    expect(await comeBack(client, fresh)).toBe("/");
    expect(await comeBack(client, fresh)).toBe("/login?problem=oidc_stale");
    expect(provider.exchanged.length).toBe(tried + 1);
  });

  test("with a code of another sign-in, as its verifier is not the right one", async () => {
    newPerson();
    const [mine, theirs] = [browser(), browser()];
    const stolen = await provider.visit(await start(theirs));
    const own = await provider.visit(await start(mine));
    own.searchParams.set("code", stolen.searchParams.get("code") ?? "");
    expect(await comeBack(mine, own)).toBe("/login?problem=oidc_failed");
  });

  test("in another browser than the one it began in", async () => {
    newPerson();
    const attacker = browser();
    const back = await provider.visit(await start(attacker));
    const victim = browser();
    expect(await comeBack(victim, back)).toBe("/login?problem=oidc_stale");
    await start(victim);
    expect(await comeBack(victim, back)).toBe("/login?problem=oidc_stale");
    expect((await me(victim)).status).toBe(401);
  });

  test("when it took too long", async () => {
    newPerson();
    const client = browser();
    const back = await provider.visit(await start(client));
    await server.database.kysely.updateTable("oidc_logins").set({ expires_at_ms: 1 }).execute();
    expect(await comeBack(client, back)).toBe("/login?problem=oidc_stale");
    await start(client);
    const rows = await server.database.kysely.selectFrom("oidc_logins").select("expires_at_ms").execute();
    expect(rows.every((row) => row.expires_at_ms > 1)).toBe(true);
  });

  test("when the person said no, and when the provider cannot be reached", async () => {
    const client = browser();
    const state = new URL(await start(client)).searchParams.get("state");
    const back = new URL(`${server.url}/api/oidc/callback?error=access_denied&state=${state}`);
    expect(await comeBack(client, back)).toBe("/login?problem=oidc_refused");
    const gone = startTestProvider("gone");
    await gone.close();
    const alone = await startTestServer({ oidc: { ...gone, name: "Gone", autoCreate: true } });
    try {
      const reply = await alone.stranger().get("/api/oidc/start", { origin: "" });
      expect(reply.headers.get("location")).toBe("/login?problem=oidc_unreachable");
    } finally {
      await alone.close();
    }
  });

  test("after so many in a minute from one address", async () => {
    const flooded = await startTestServer({
      oidc: { ...provider, name: "Acme", autoCreate: true },
      signInTriesMax: 3,
    });
    try {
      const client = flooded.stranger();
      const ends = [];
      for (let n = 0; n < 4; n++)
        ends.push((await client.get("/api/oidc/start", { origin: "" })).headers.get("location") ?? "");
      expect(ends.map((end) => new URL(end, flooded.url).origin)).toEqual([
        ...Array.from({ length: 3 }, () => provider.issuer),
        flooded.url,
      ]);
      expect(ends[3]).toBe("/login?problem=oidc_busy");
      const back = await client.get("/api/oidc/callback?state=x&code=x", { origin: "" });
      expect([back.status, back.headers.get("location")]).toEqual([302, "/login?problem=oidc_busy"]);
      expect(client.cookieHeader()).toContain("windshift.oidc=");
    } finally {
      await flooded.close();
    }
  });

  test("where no provider is set up, on the page that says so", async () => {
    const without = await startTestServer();
    try {
      const reply = await without.stranger().get("/api/oidc/start", { origin: "" });
      expect([reply.status, reply.headers.get("location")]).toEqual([302, "/login?problem=oidc_off"]);
    } finally {
      await without.close();
    }
  });

  test("as a failure of ours and not as a disabled account, when the session cannot be made", async () => {
    newPerson();
    await signIn(browser());
    const client = browser();
    const back = await provider.visit(await start(client));
    const { schema } = server.database.kysely;
    await schema.alterTable("audit_log").renameTo("audit_gone").execute();
    try {
      expect(await comeBack(client, back)).toBe("/login?problem=oidc_broken");
    } finally {
      await schema.alterTable("audit_gone").renameTo("audit_log").execute();
    }
    expect((await me(client)).status).toBe(401);
    const line = server.logLines.findLast((text) => text.includes("a request failed")) ?? "";
    expect(line).toContain("audit_log");
  });

  test("by a provider that says it is another one", async () => {
    const liar = startTestProvider("liar");
    liar.misbehave = { metadataIssuer: "https://id.example.com" };
    const fooled = await startTestServer({ oidc: { ...liar, name: "Liar", autoCreate: true } });
    try {
      const reply = await fooled.stranger().get("/api/oidc/start", { origin: "" });
      expect(reply.headers.get("location")).toBe("/login?problem=oidc_unreachable");
    } finally {
      await fooled.close();
      await liar.close();
    }
  });
});

describe("WB-08 an e-mail address", () => {
  test("leads to no account that exists, verified or not", async () => {
    for (const email_verified of [true, false]) {
      newPerson({ email: "ADA@example.test", email_verified });
      const client = browser();
      const problem = email_verified ? "oidc_email_taken" : "oidc_email_unverified";
      expect(await signIn(client)).toBe(`/login?problem=${problem}`);
      expect((await me(client)).status).toBe(401);
    }
    expect((await me(admin)).body).toMatchObject({ name: "Ada", oidc_linked: false });
  });

  test("that is not verified makes no account", async () => {
    const email = newPerson({ email_verified: false });
    expect(await signIn(browser())).toBe("/login?problem=oidc_email_unverified");
    newPerson({ email, email_verified: "true" });
    expect(await signIn(browser())).toBe("/login?problem=oidc_email_unverified");
    expect((await admin.get(`/api/v1/admin/users?q=${email}`)).body).toMatchObject({ users: [] });
  });

  test("of an identity that nobody knows makes no account unless that is wanted", async () => {
    const strict = await startTestServer({ oidc: { ...provider, name: "Acme", autoCreate: false } });
    try {
      newPerson();
      const client = strict.stranger();
      const url = (await client.get("/api/oidc/start", { origin: "" })).headers.get("location") ?? "";
      const back = await provider.visit(url);
      const reply = await client.get(back.pathname + back.search, FROM_ELSEWHERE);
      expect(reply.headers.get("location")).toBe("/login?problem=oidc_unknown");
    } finally {
      await strict.close();
    }
  });
});

describe("WB-08 an identity", () => {
  test("is issuer and subject: the same subject of another issuer is somebody else", async () => {
    newPerson();
    const client = browser();
    await signIn(client);
    const { id } = (await me(client)).body;
    await server.database.kysely
      .updateTable("oidc_identities")
      .set({ issuer: "https://id.example.com" })
      .where("user_id", "=", id)
      .execute();
    provider.person = { ...provider.person, email: `other-${provider.person.email}` };
    const other = browser();
    await signIn(other);
    expect((await me(other)).body.id).not.toBe(id);
  });

  test("is connected with an account by who is signed in to it, and parted again", async () => {
    const { client } = await server.addPerson(admin, "Lin");
    newPerson();
    const link = async () => {
      const reply = await client.post<{ url: string }>("/api/v1/me/oidc", OWN_PASSWORD);
      expect(reply.status).toBe(200);
      return comeBack(client, await provider.visit(reply.body.url));
    };
    expect(await link()).toBe("/account");
    const { id } = (await me(client)).body;
    const other = browser();
    await signIn(other);
    expect((await me(other)).body).toMatchObject({ id, email: "lin@example.test", oidc_linked: true });
    const { client: second } = await server.addPerson(admin, "Sec");
    const { body } = await second.post<{ url: string }>("/api/v1/me/oidc", OWN_PASSWORD);
    expect(await comeBack(second, await provider.visit(body.url))).toBe("/account?problem=oidc_taken");
    expect((await client.delete("/api/v1/me/oidc")).status).toBe(204);
    expect((await me(client)).body.oidc_linked).toBe(false);
  });

  test("WB-08 is connected by who knows the password of the account, which a browser left open does not say", async () => {
    const { id, client } = await server.addPerson(admin, "Olu");
    const ask = (body: object) => client.post("/api/v1/me/oidc", body);
    for (const body of [{}, { current_password: "" }, { current_password: "a wrong password" }]) {
      const reply = await ask(body);
      expect([reply.status, reply.text]).toEqual([400, expect.stringContaining("this is not your password")]);
    }
    for (let n = 3; n < 10; n++) await ask({ current_password: `guess ${n}` });
    expect((await ask(OWN_PASSWORD)).status).toBe(429);
    const begun = await server.database.kysely
      .selectFrom("oidc_logins")
      .select("state_hash")
      .where("link_user_id", "=", id)
      .execute();
    expect(begun).toEqual([]);
  });

  test("shows administrators which identity signs in to an account", async () => {
    newPerson();
    const client = browser();
    await signIn(client);
    const { email } = (await me(client)).body;
    const { body } = await admin.get<AdminUserPage>(`/api/v1/admin/users?q=${email}`);
    expect(body.users[0]?.identities).toMatchObject([
      { issuer: provider.issuer, subject: provider.person.sub },
    ]);
  });

  test("is connected with no account but that of the session that asked", async () => {
    const { client } = await server.addPerson(admin, "Vic");
    newPerson();
    const foreign = await client.post("/api/v1/me/oidc", {}, { origin: "https://evil.example" });
    expect(foreign.status).toBe(403);
    const { body } = await client.post<{ url: string }>("/api/v1/me/oidc", OWN_PASSWORD);
    const back = await provider.visit(body.url);
    await client.post("/api/auth/sign-out");
    expect(await comeBack(client, back)).toBe("/account?problem=oidc_stale");
    const rows = await server.database.kysely
      .selectFrom("oidc_identities")
      .select("user_id")
      .where("subject", "=", provider.person.sub)
      .execute();
    expect(rows).toEqual([]);
  });

  test("is not parted from an account that has no password", async () => {
    newPerson();
    const client = browser();
    await signIn(client);
    expect((await client.delete("/api/v1/me/oidc")).status).toBe(409);
  });
});

test("WB-08 the way back leads to no other site", async () => {
  for (const evil of [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "javascript:alert(1)",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    `/${"x".repeat(3_000)}`,
    "http:evil.example",
    "/..//evil.example",
  ]) {
    const path = ownPath(evil, "https://wind.example");
    expect([evil, new URL(path, "https://wind.example").origin]).toEqual([evil, "https://wind.example"]);
    expect([evil, path.startsWith("//")]).toEqual([evil, false]);
    newPerson();
    const end = await signIn(browser(), evil);
    expect([evil, new URL(end, server.url).origin]).toEqual([evil, server.url]);
  }
  expect(ownPath("/items/A-1?x=1#y", "https://wind.example")).toBe("/items/A-1?x=1#y");
});

test("a flood of sign-ins takes the place of the oldest, and lets who comes begin", async () => {
  const other = await startTestServer();
  const { issuer, clientId, clientSecret } = provider;
  const settings = { issuer, clientId, clientSecret, name: "Acme", autoCreate: true };
  const oidc = createOidcProvider(settings);
  try {
    for (let n = 0; n < 5; n++) {
      const wanted = { redirectUri: "http://127.0.0.1/x", returnTo: `/${n}`, linkUser: undefined };
      await beginOidc(other.database, oidc, wanted, 3);
      // All at one millisecond would be one age.
      await other.database.kysely
        .updateTable("oidc_logins")
        .set((eb) => ({ expires_at_ms: eb("expires_at_ms", "-", 1_000) }))
        .execute();
    }
    const rows = await other.database.kysely.selectFrom("oidc_logins").select("return_to").execute();
    expect(rows.map(({ return_to }) => return_to).toSorted()).toEqual(["/2", "/3", "/4"]);
  } finally {
    await other.close();
  }
});

test("WB-08 neither code nor secret nor token of a provider stands in the log or the database", async () => {
  newPerson();
  provider.misbehave = { claims: { nonce: "wrong" } };
  await signIn(browser());
  const log = server.logLines.join("\n");
  expect(log).toContain("oidc_failed");
  for (const secret of [
    provider.clientSecret,
    encodeURIComponent(provider.clientSecret),
    provider.exchanged.at(-1) ?? "x",
  ])
    expect(log).not.toContain(secret);
  const rows = JSON.stringify(await server.database.kysely.selectFrom("account").selectAll().execute());
  // A token has three parts; an id of ours has no dot.
  expect(rows).not.toMatch(/eyJ[\w-]+\.[\w-]+/);
});
