import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import type { Backup, BackupList } from "@windshift/contract/api/backup.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { programCommand } from "@windshift/testing/program-command.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { openDatabase } from "../db/database.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { create, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";
import { BackupManifest } from "./backup-manifest.ts";
import { restoreBackup } from "./restore-backup.ts";
import { writeBackup } from "./write-backup.ts";

const TEST_MS_MAX = 60_000;
const AT = "/api/v1/admin/backups";
let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
let dataDir: string;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "SAFE");
  dataDir = join(server.repositoriesRoot, "..");
  await create(admin, "/api/v1/workspaces/SAFE/repositories", {
    connection_id: workspace.git.id,
    owner: "acme",
    name: "empty",
  });
}, TEST_MS_MAX);
afterAll(() => server.close(), TEST_MS_MAX);

const embedded = () => (server.database.engine === "sqlite" ? "sqlite" : undefined);
const list = async () => (await admin.get<BackupList>(AT)).body;
async function finished(): Promise<Backup> {
  const started = await admin.post<Backup>(AT);
  expect(started.status).toBe(202);
  const counts = new Set<number>();
  const made = await eventually(
    "the backup to be written",
    async () => {
      const found = (await list()).backups.filter((b) => b.id === started.body.id);
      counts.add(found.length);
      return found.find(({ state }) => state !== "running");
    },
    TEST_MS_MAX,
  );
  // Never twice, and never gone: one that is whole while the process that wrote it still ends is being written.
  expect([...counts]).toEqual([1]);
  return made;
}
async function unpacked(file: string): Promise<string> {
  const dir = tempDir().path;
  const result = await exec(["tar", "-xf", file, "-C", dir], {
    env: { PATH: "/usr/bin:/bin" },
    timeoutMs: 30_000,
  });
  expect([result.exitCode, result.stderr]).toEqual([0, ""]);
  return dir;
}

describe("a backup", () => {
  test(
    "is written beside the running server, listed, taken away whole and deleted",
    async () => {
      const backup = await finished();
      const sqlite = server.database.engine === "sqlite";
      expect(backup).toMatchObject({ state: "done", problem: null, database: sqlite, repositories: 2 });
      const file = join(dataDir, "backups", backup.id);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      const response = await fetch(`${server.url}${AT}/${backup.id}/download`, { headers: admin.headers() });
      expect(response.headers.get("content-disposition")).toBe(`attachment; filename="${backup.id}"`);
      const bytes = Buffer.from(await response.arrayBuffer());
      expect(bytes.length).toBe(backup.bytes);
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(backup.sha256 ?? "");
      expect((await admin.delete(`${AT}/${backup.id}`)).status).toBe(204);
      expect((await admin.delete(`${AT}/${backup.id}`)).status).toBe(404);
      expect((await admin.get(`${AT}/${backup.id}/download`)).status).toBe(404);
      expect(await readdir(join(dataDir, "backups"))).toEqual([]);
      const lines = await server.database.kysely
        .selectFrom("audit_log")
        .select("action")
        .where("subject", "=", `backup ${backup.id}`)
        .orderBy("id")
        .execute();
      expect(lines.map((line) => line.action)).toEqual([
        "backup.created",
        "backup.downloaded",
        "backup.deleted",
      ]);
    },
    TEST_MS_MAX,
  );

  test(
    "is written one at a time, and says how PostgreSQL is saved",
    async () => {
      const replies = await Promise.all([admin.post<Backup>(AT), admin.post<Backup>(AT)]);
      expect(replies.map((reply) => reply.status).toSorted()).toEqual([202, 409]);
      await eventually(
        "it to end",
        async () => (await list()).backups.every((b) => b.state === "done"),
        TEST_MS_MAX,
      );
      const { engine, database_command } = await list();
      expect(database_command === null).toBe(engine === "sqlite");
      if (engine === "postgres") expect(database_command).toContain("pg_dump");
    },
    TEST_MS_MAX,
  );

  test("is named by nothing that leads out of its folder", async () => {
    for (const id of [
      "..%2f..%2fwindshift.db",
      "secret-key",
      "windshift-20260101T000000Z.tar.json",
      "%00.tar",
    ]) {
      expect((await admin.get(`${AT}/${id}/download`)).status).toBe(400);
      expect((await admin.delete(`${AT}/${id}`)).status).toBe(400);
    }
  });

  test(
    "that cannot be written says why, and leaves nothing",
    async () => {
      const broken = join(server.repositoriesRoot, "7", "acme", "broken.git");
      await mkdir(broken, { recursive: true });
      try {
        const backup = await finished();
        expect(backup.state).toBe("failed");
        expect(backup.problem).toContain("broken.git");
        expect((await readdir(join(dataDir, "backups"))).filter((name) => name.startsWith("."))).toEqual([]);
        expect((await admin.delete(`${AT}/${backup.id}`)).status).toBe(204);
        expect((await list()).backups.map((b) => b.state)).not.toContain("failed");
      } finally {
        await exec(["rm", "-rf", join(server.repositoriesRoot, "7")], {
          env: { PATH: "/usr/bin:/bin" },
          timeoutMs: 10_000,
        });
      }
    },
    TEST_MS_MAX,
  );
});

test(
  "the command line saves a data folder and restores it into another one",
  async () => {
    const run = (dir: string, ...args: string[]) =>
      exec([...programCommand("windshift"), ...args], {
        env: { PATH: "/usr/bin:/bin", WINDSHIFT_DATA: dir },
        timeoutMs: TEST_MS_MAX,
      });
    // Whatever the tests run on, the command line looks at the folder.
    const folder = server.database.engine === "sqlite" ? dataDir : undefined;
    if (folder === undefined) {
      const missing = await run(dataDir, "backup");
      expect([missing.exitCode, missing.stderr]).toEqual([
        5,
        expect.stringContaining("there is no database"),
      ]);
      return;
    }
    const file = join(tempDir().path, "by-hand.tar");
    const saved = await run(folder, "backup", file);
    expect([saved.exitCode, saved.stderr]).toEqual([0, ""]);
    expect(saved.stdout).toContain(`${file}\nholds the database and 2 local repositories`);
    expect(saved.stdout).toContain("secret key is not in it");
    const fresh = tempDir().path;
    const restored = await run(fresh, "restore", file);
    expect([restored.exitCode, restored.stderr]).toEqual([0, ""]);
    expect(restored.stdout).toContain("are void");
    const kept = await run(fresh, "revoke-tokens", "--keep-credentials");
    expect([kept.exitCode, kept.stdout]).toEqual([0, expect.stringContaining("are as they were then")]);
    expect((await run(fresh, "revoke-tokens", "--keep")).exitCode).toBe(2);
    const again = await run(fresh, "restore", file);
    expect([again.exitCode, again.stderr]).toEqual([6, expect.stringContaining("move them away")]);
    expect((await run(fresh, "restore")).exitCode).toBe(2);
  },
  TEST_MS_MAX,
);

describe("a restored backup", () => {
  test(
    "has every repository with every branch, and the database as it was",
    async () => {
      const sqlite = server.database.engine === "sqlite";
      const repository = workspace.repository.path ?? "";
      await gitOut(["push", "--quiet", repository, "HEAD:refs/heads/agent-runs/run-9"], workspace.workDir);
      const target = join(tempDir().path, "a.tar");
      const facts = await writeBackup({ dataDir, database: sqlite ? "sqlite" : undefined, target });
      expect(facts).toMatchObject({ database: sqlite, repositories: 2 });
      // What comes later is not in it.
      await create(admin, "/api/v1/workspaces", { key: "LATER", name: "Later" });
      const fresh = tempDir().path;
      const manifest = await restoreBackup({ dataDir: fresh, file: target });
      expect(
        manifest.repositories.map(({ path, head }) => [path.split("/").slice(1).join("/"), head]),
      ).toEqual([
        ["acme/empty", "refs/heads/main"],
        ["acme/project", "refs/heads/main"],
      ]);
      for (const { path } of manifest.repositories) {
        const [from, to] = [server.repositoriesRoot, join(fresh, "repositories")].map((root) =>
          join(root, `${path}.git`),
        );
        const refs = (dir = "") => gitOut(["--git-dir", dir, "for-each-ref"], fresh);
        expect(await refs(to)).toBe(await refs(from));
        const config = (dir = "") => gitOut(["--git-dir", dir, "config", "--list", "--local"], fresh);
        expect((await config(to)).split("\n").toSorted()).toEqual(
          (await config(from)).split("\n").toSorted(),
        );
        await gitOut(["--git-dir", to ?? "", "fsck", "--strict"], fresh);
      }
      if (sqlite) {
        const restored = await openDatabase({ url: undefined, sqliteFile: join(fresh, "windshift.db") });
        const keys = await restored.kysely.selectFrom("workspaces").select("key").execute();
        await restored.close();
        expect(keys).toEqual([{ key: "SAFE" }]);
      }
    },
    TEST_MS_MAX,
  );

  test(
    "is put into no folder that has something, and only if it is a backup",
    async () => {
      const target = join(tempDir().path, "a.tar");
      await writeBackup({ dataDir, database: embedded(), target });
      await expect(restoreBackup({ dataDir, file: target })).rejects.toThrow("move them away");
      await expect(writeBackup({ dataDir, database: undefined, target })).rejects.toThrow("is there already");
      const other = join(tempDir().path, "other.tar");
      await writeFile(other, "not a tar");
      const fresh = tempDir().path;
      await expect(restoreBackup({ dataDir: fresh, file: other })).rejects.toThrow("cannot be unpacked");
      expect(await readdir(fresh)).toEqual([]);
    },
    TEST_MS_MAX,
  );

  test(
    "has no secret key, and no secret in clear",
    async () => {
      const target = join(tempDir().path, "a.tar");
      await writeFile(join(dataDir, "secret-key"), "a".repeat(64));
      await writeBackup({ dataDir, database: embedded(), target });
      const dir = await unpacked(target);
      expect(await readdir(dir)).not.toContain("secret-key");
      const text = await Bun.file(target).text();
      expect(text).not.toContain("a".repeat(64));
      expect(text).not.toContain("sk-test-0123456789");
      expect(BackupManifest.parse(await Bun.file(join(dir, "manifest.json")).json()).format).toBe(1);
    },
    TEST_MS_MAX,
  );
});
