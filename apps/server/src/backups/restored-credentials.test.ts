import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { dirname, join } from "node:path";
import { createDatabase, type DatabaseFixture } from "@windshift/testing/database-fixture.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { startSecondServer } from "../runners/second-server.fixture.ts";
import { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, mintToken, newNonce, TestHost } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { createTestWorkspace } from "../testing/test-workspace.ts";
import { restoreBackup } from "./restore-backup.ts";
import { sourceOf, writeBackup } from "./write-backup.ts";

setDefaultTimeout(120_000);

let server: TestServer;
let admin: TestClient;
let empty: DatabaseFixture;
/** A server on what was restored; the one it was saved from goes on. */
let restored: { url: string; stop(): Promise<void> };
const saved = tempDir();
const fresh = tempDir();

let host: TestHost;
let apiToken: string;
let registration: string;
let invitation: string;

beforeAll(async () => {
  server = await startTestServer({ realPasswords: true });
  admin = await server.setUp();
  await createTestWorkspace(admin, "SAFE");
  const pool = await createPool(admin, { name: "hosts" });
  host = await addHost(server, admin, pool);
  registration = (await mintToken(admin, pool)).token;
  const token = await admin.post<{ token: string }>("/api/v1/tokens", { name: "ci", scopes: ["read"] });
  apiToken = token.body.token;
  const invited = await admin.post<{ url: string }>("/api/v1/workspaces/SAFE/invitations", {
    role: "member",
  });
  invitation = new URL(invited.body.url).pathname.split("/").at(-1) ?? "";
  const { url, sqliteFile } = server.databaseAddress;
  const file = join(saved.path, "saved.tar");
  await writeBackup({ dataDir: dirname(sqliteFile), database: sourceOf(url), target: file });
  empty = await createDatabase(process.env);
  await restoreBackup({ dataDir: fresh.path, databaseUrl: empty.url, file });
  const databaseAddress = { url: empty.url, sqliteFile: join(fresh.path, "windshift.db") };
  restored = await startSecondServer({ ...server, databaseAddress });
});
afterAll(async () => {
  await restored?.stop();
  await server?.close();
  await empty?.drop();
  saved.remove();
  fresh.remove();
});

/** Each kind of what was minted before the backup, used at one of the servers: the status of the answer. */
const USES: [kind: string, use: (url: string) => Promise<number>][] = [
  [
    "session",
    async (url) => (await new TestClient(url).steal(admin.cookieHeader()).get("/api/v1/workspaces")).status,
  ],
  ["API token", async (url) => (await new TestClient(url, apiToken).get("/api/v1/workspaces")).status],
  [
    "credential of a runner",
    async (url) =>
      (
        await new TestHost(
          { ...server, url },
          host.registered,
          new TestClient(url, host.registered.credential),
        ).heartbeat()
      ).status,
  ],
  [
    "link of an invitation",
    async (url) => {
      const page = { origin: server.url };
      return (await new TestClient(url).post("/api/v1/invitations/view", { token: invitation }, page)).status;
    },
  ],
  [
    "registration token",
    async (url) =>
      (
        await new TestClient(url).post("/api/runner/register", {
          registration_token: registration,
          name: "late",
          nonce: newNonce(),
        })
      ).status,
  ],
];

for (const [kind, use] of USES)
  test(`SO-02 RT-02 what was minted before a restore opens nothing on what was restored, and goes on where it was saved: ${kind}`, async () => {
    expect([401, 404]).toContain(await use(restored.url));
    expect(await use(server.url)).toBe(200);
  });

test("SO-02 people sign in after a restore with the passwords they had, and make what they need anew", async () => {
  const page = { origin: server.url };
  const ada = new TestClient(restored.url);
  const person = { email: "ada@example.test", password: "correct horse battery" };
  expect((await ada.post("/api/auth/sign-in/email", person, page)).status).toBe(200);
  const made = await ada.post<{ token: string }>("/api/v1/tokens", { name: "ci", scopes: ["read"] }, page);
  expect(made.status).toBe(201);
  expect((await new TestClient(restored.url, made.body.token).get("/api/v1/workspaces")).status).toBe(200);
});
