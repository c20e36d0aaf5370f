import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { createDatabase, type DatabaseFixture } from "@windshift/testing/database-fixture.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { programCommand } from "@windshift/testing/program-command.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { openDatabase } from "../db/database.ts";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, mintToken, newNonce } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { createItem, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";
import { WRITE_BACKUP } from "./backup-command.ts";
import { BackupDesk } from "./backup-desk.ts";

/** Programs are started, and a database is saved and put back; a loaded machine takes long for it, ms. */
setDefaultTimeout(120_000);

let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
let empty: DatabaseFixture;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "SAFE");
  empty = await createDatabase(process.env);
});
afterAll(async () => {
  await server.close();
  await empty.drop();
});

const command = (dataDir: string, url: string | undefined, ...args: string[]) =>
  exec([...programCommand("windshift"), ...args], {
    env: {
      PATH: "/usr/bin:/bin",
      WINDSHIFT_DATA: dataDir,
      ...(url === undefined ? {} : { DATABASE_URL: url }),
    },
    timeoutMs: 60_000,
  });

test("SO-02 what the command line saves and restores is all there, and no token of before works again", async () => {
  const { url, sqliteFile } = server.databaseAddress;
  const pool = await createPool(admin, { name: "hosts" });
  const [used, open] = [await mintToken(admin, pool), await mintToken(admin, pool)];
  await addHost(server, admin, pool);
  expect((await admin.post("/api/v1/tokens", { name: "ci", scopes: ["read"] })).status).toBe(201);
  const invitation = await admin.post("/api/v1/workspaces/SAFE/invitations", { role: "member" });
  expect(invitation.status).toBe(201);
  await createItem(admin, "SAFE", { title: "kept ✓" });
  const file = join(tempDir().path, "saved.tar");
  const saved = await command(dirname(sqliteFile), url, "backup", file);
  expect([saved.exitCode, saved.stderr]).toEqual([0, ""]);
  expect(saved.stdout).toContain("holds the database and 1 local repositories");
  // After the backup: a token is used, which the backup knows as unused.
  const register = (to: TestServer, token: string) =>
    to
      .stranger()
      .post("/api/runner/register", { registration_token: token, name: "late", nonce: newNonce() });
  expect((await register(server, used.token)).status).toBe(200);
  const fresh = tempDir().path;
  const restored = await command(fresh, empty.url, "restore", file);
  expect([restored.exitCode, restored.stderr]).toEqual([0, ""]);
  expect(restored.stdout).toContain("are void");
  const database = await openDatabase({ url: empty.url, sqliteFile: join(fresh, "windshift.db") });
  try {
    const db = database.kysely;
    const titles = await db.selectFrom("work_items").select("title").execute();
    expect(titles.map(({ title }) => title)).toContain("kept ✓");
    for (const table of ["session", "invitations", "api_tokens"] as const)
      expect(await db.selectFrom(table).selectAll().execute()).toEqual([]);
    const hosts = db.selectFrom("runners").select("revoked_at_ms").where("kind", "=", "host");
    expect((await hosts.execute()).map(({ revoked_at_ms }) => revoked_at_ms !== null)).toEqual([true]);
    const epochs = await db.selectFrom("registration_tokens").select(["epoch", "used_at_ms"]).execute();
    expect(epochs.map(({ epoch }) => epoch)).toContain(0);
    const { value } = await db
      .selectFrom("settings")
      .select("value")
      .where("key", "=", "registration_epoch")
      .executeTakeFirstOrThrow();
    expect(value).toBe("1");
  } finally {
    await database.close();
  }
  const at = join(fresh, "repositories", `${await onlyRepository(fresh)}.git`);
  expect(await gitOut(["--git-dir", at, "rev-parse", "main"], fresh)).toBe(
    await gitOut(["--git-dir", workspace.repository.path ?? "", "rev-parse", "main"], fresh),
  );
  const again = await command(tempDir().path, empty.url, "restore", file);
  expect(again.exitCode).toBe(url === undefined ? 0 : 6);
  expect(open.token).not.toBe(used.token);
});

test("a backup is not put into the other engine", async () => {
  const { url, sqliteFile } = server.databaseAddress;
  const file = join(tempDir().path, "saved.tar");
  expect((await command(dirname(sqliteFile), url, "backup", file)).exitCode).toBe(0);
  const other = url === undefined ? "postgres://windshift@127.0.0.1:1/none" : undefined;
  const fresh = tempDir().path;
  const refused = await command(fresh, other, "restore", file);
  expect([refused.exitCode, refused.stderr]).toEqual([
    2,
    expect.stringContaining(url === undefined ? "windshift migrate-database" : "set DATABASE_URL"),
  ]);
  expect(existsSync(join(fresh, "windshift.db"))).toBe(false);
  expect(await readdir(fresh)).toEqual([]);
});

test("a server's own backups hold its database on either engine", async () => {
  const { database, databaseAddress } = server;
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const desk = new BackupDesk({
    database,
    databaseUrl: databaseAddress.url,
    dataDir: dirname(server.repositoriesRoot),
    command: [...programCommand("windshift"), WRITE_BACKUP],
    log,
  });
  const { id } = await desk.start({ user: "test", ip: undefined });
  const done = await eventually(
    "the backup to be written",
    async () => (await desk.list()).backups.find((backup) => backup.id === id && backup.state !== "running"),
    60_000,
  );
  expect(done).toMatchObject({ state: "done", database: true, problem: null });
  expect((await desk.list()).database_command).toBeNull();
});

async function onlyRepository(dataDir: string): Promise<string> {
  const found = (await readdir(join(dataDir, "repositories"), { recursive: true })).filter((name) =>
    /^\d+\/[^/]+\/[^/]+\.git$/.test(name),
  );
  expect(found).toHaveLength(1);
  return (found[0] ?? "").slice(0, -".git".length);
}
