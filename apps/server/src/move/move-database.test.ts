import { Database as SqliteFile } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { RunEvent } from "@windshift/contract/event.ts";
import { createDatabase, type DatabaseFixture } from "@windshift/testing/database-fixture.ts";
import { programCommand } from "@windshift/testing/program-command.ts";
import { sql } from "kysely";
import pg from "pg";
import { lockDataFolder } from "../db/data-folder-lock.ts";
import { openDatabase } from "../db/database.ts";
import { migrateInitial } from "../db/migrations/001-initial.ts";
import { ensureLocalPool } from "../pools/pool-store.ts";
import { appendEvents } from "../runs/run-events.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { createTestWorkspace, startLiveRun } from "../testing/test-workspace.ts";
import { fillEmptyTables } from "./filled-tables.fixture.ts";

setDefaultTimeout(60_000);

// Needs both engines at once: `npm test` runs it where there is a PostgreSQL.
describe("an embedded installation moves to PostgreSQL", () => {
  let source: TestServer;
  let sqliteFile: string;
  let target: DatabaseFixture;
  let run: Awaited<ReturnType<typeof startLiveRun>>;
  beforeAll(async () => {
    const before = process.env.WINDSHIFT_TEST_DATABASE;
    process.env.WINDSHIFT_TEST_DATABASE = "sqlite";
    source = await startTestServer();
    if (before === undefined) delete process.env.WINDSHIFT_TEST_DATABASE;
    else process.env.WINDSHIFT_TEST_DATABASE = before;
    const ada = await source.setUp();
    const workspace = await createTestWorkspace(ada, "DEMO");
    run = await startLiveRun(source, ada, workspace);
    const at = new Date().toISOString();
    const text = "zero-width\u200b, emoji 🪁, quote ', backslash \\ and a tab\t";
    const events = Array.from({ length: 1_203 }, (_, seq) =>
      RunEvent.parse({ type: "content", data: { text }, at, seq: seq + 1 }),
    );
    for (let from = 0; from < events.length; from += 100)
      await appendEvents(source.database, run.runId, run.attempt, events.slice(from, from + 100));
    await ada.post(`/api/v1/items/${run.item.key}/comments`, { body: text });
    const gone = await ada.post<{ key: string }>("/api/v1/workspaces/DEMO/items", { title: "Deleted" });
    await source.database.kysely.deleteFrom("work_items").where("title", "=", "Deleted").execute();
    expect(gone.status).toBe(201);
    // As the server leaves it when it is stopped; this one goes on.
    sqliteFile = join(dirname(source.databaseAddress.sqliteFile), "stopped", "windshift.db");
    mkdirSync(dirname(sqliteFile));
    const open = new SqliteFile(source.databaseAddress.sqliteFile, { readonly: true });
    open.run("vacuum into ?", [sqliteFile]);
    open.close();
    fillEmptyTables(sqliteFile);
    target = await createDatabase(process.env);
  });
  afterAll(async () => {
    await source?.close();
    await target?.drop();
  });

  const move = (url: string, env: Record<string, string> = {}) =>
    exec([...programCommand("windshift"), "migrate-database", url], {
      env: { PATH: process.env.PATH ?? "", HOME: "/tmp", WINDSHIFT_DATA: join(sqliteFile, ".."), ...env },
      timeoutMs: 60_000,
    });
  const tablesOf = async (url: string | undefined) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query("select tablename from pg_tables where schemaname = 'public'");
    await client.end();
    return rows.map(({ tablename }) => tablename as string).sort();
  };

  test("not beside a server, even one that has nothing to write, of this version or an earlier one", async () => {
    // The server of this test has the database open, and nothing else.
    const beside = await move(target.url ?? "", {
      WINDSHIFT_DATA: dirname(source.databaseAddress.sqliteFile),
    });
    expect([beside.exitCode, beside.stderr]).toEqual([6, expect.stringContaining("stop the server first")]);
    const lock = lockDataFolder(dirname(sqliteFile));
    const locked = await move(target.url ?? "");
    lock.release();
    expect([locked.exitCode, locked.stderr]).toEqual([6, expect.stringContaining("serves or moves")]);
    expect(await tablesOf(target.url)).toEqual([]);
  });

  test("not into another installation of an earlier version, nor beside anything else, which stay as they are", async () => {
    const other = await createDatabase(process.env);
    const database = await openDatabase({ url: other.url, sqliteFile: "" });
    await sql`create table stock (id integer)`.execute(database.kysely);
    const stranger = await move(other.url ?? "");
    expect([stranger.exitCode, stranger.stderr]).toEqual([6, expect.stringContaining("it has stock")]);
    expect(await tablesOf(other.url)).toEqual(["stock"]);

    await sql`drop table stock`.execute(database.kysely);
    await migrateInitial(database.kysely as never, "postgres");
    await ensureLocalPool(database);
    const before = await tablesOf(other.url);
    const older = await move(other.url ?? "");
    expect([older.exitCode, older.stderr]).toEqual([6, expect.stringContaining("pools has rows")]);
    expect(await tablesOf(other.url)).toEqual(before);
    await database.close();
    await other.drop();
  });

  test("not while something writes to it, not to nowhere, and not from nothing", async () => {
    const writer = new SqliteFile(sqliteFile);
    writer.run("begin immediate");
    const busy = await move(target.url ?? "");
    writer.run("rollback");
    writer.close();
    expect([busy.exitCode, busy.stderr]).toEqual([6, expect.stringContaining("stop the server first")]);
    const nowhere = await move("postgres://nobody@127.0.0.1:1/none");
    expect([nowhere.exitCode, nowhere.stderr]).toEqual([69, expect.stringContaining("cannot be opened")]);
    expect((await move("mysql://x")).stderr).toContain("postgres://");
    const missing = await move(target.url ?? "", { WINDSHIFT_DATA: "/nonexistent-windshift" });
    expect([missing.exitCode, missing.stderr]).toEqual([
      5,
      expect.stringContaining("there is no SQLite database"),
    ]);
  });

  test("with every row of every table as it was, and numbers that go on where they were", async () => {
    const { exitCode, stdout, stderr } = await move(target.url ?? "");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain("run_events: 1203 rows");
    const file = new SqliteFile(sqliteFile, { readonly: true });
    const client = new pg.Client({ connectionString: target.url });
    await client.connect();
    const tables = file
      .query(
        "select name from sqlite_master where type = 'table' and name not like 'sqlite%' and name not like 'kysely%'",
      )
      .all() as { name: string }[];
    expect(tables.length).toBeGreaterThan(30);
    for (const { name } of tables) {
      const here = (file.query(`select * from "${name}"`).all() as object[]).map(asText).sort();
      const there = (await client.query(`select * from "${name}"`)).rows.map(asText).sort();
      expect([name, there]).toEqual([name, here]);
      // A table that nothing was in would be moved by whatever forgets it.
      expect([name, here.length > 0]).toEqual([name, true]);
    }
    await client.end();
    file.close();
    const moved = await openDatabase({ url: target.url, sqliteFile: "" });
    const item = { workspace_id: 1, number: 99, title: "Next", description: "", status: "todo" };
    const times = { creator_id: (await firstUser(moved)).id, created_at_ms: 1, updated_at_ms: 1 };
    const added = await moved.kysely
      .insertInto("work_items")
      .values({ ...item, ...times })
      .returning("id")
      .executeTakeFirstOrThrow();
    // One item was made and deleted after the run's own: its number is not given out again.
    expect(added.id).toBeGreaterThan(run.item.id + 1);
    await moved.close();
  });

  test("once: a database that holds something is left alone", async () => {
    const again = await move(target.url ?? "");
    expect([again.exitCode, again.stderr]).toEqual([6, expect.stringContaining("is not empty")]);
  });

  test("and not when the server is on PostgreSQL already", async () => {
    const result = await move(target.url ?? "", { DATABASE_URL: target.url ?? "" });
    expect([result.exitCode, result.stderr]).toEqual([2, expect.stringContaining("DATABASE_URL is set")]);
  });
});

/** A row on either engine: times, truth values and numbers in one way of writing. */
function asText(row: object): string {
  return JSON.stringify(
    Object.fromEntries(
      Object.entries(row)
        .map(([name, value]) => [name, valueText(value)])
        .sort(),
    ),
  );
}

function valueText(value: unknown): string | null {
  if (value === null) return null;
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "boolean") return value ? "1" : "0";
  const text = String(value);
  return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text) ? new Date(text).toISOString() : text;
}

async function firstUser(database: Awaited<ReturnType<typeof openDatabase>>) {
  return database.kysely.selectFrom("user").select("id").executeTakeFirstOrThrow();
}
