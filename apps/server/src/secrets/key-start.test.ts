import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createDatabase, type DatabaseFixture } from "@windshift/testing/database-fixture.ts";
import { programCommand } from "@windshift/testing/program-command.ts";
import { Migrator, sql } from "kysely";
import { LOCK_FILE } from "../db/data-folder-lock.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { migrate, readMigrations } from "../db/migrate.ts";
import { migrateInitial } from "../db/migrations/001-initial.ts";
import { checkSecretKey } from "../doctor/store-checks.ts";
import { checkMasterKey } from "./key-check.ts";
import { countUses, KEY_USES_WARNED } from "./key-uses.ts";
import { type MasterKey, masterKey, seal } from "./secret-box.ts";

const hexOf = (fill: number) => Buffer.alloc(32, fill).toString("hex");
const keyOf = (fill: number) => masterKey(Buffer.alloc(32, fill));
const RIGHT = 1;
/** A server is started in each; a loaded machine may take long. */
const TEST_MS_MAX = 60_000;
let fixture: DatabaseFixture;
beforeEach(async () => {
  fixture = await createDatabase(process.env);
});
afterEach(() => fixture.drop());

async function withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase({ url: fixture.url, sqliteFile: fixture.sqliteFile });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/** An installation of the version before: its schema, its key's check and a connection with a sealed key. */
async function installFormerVersion(key: MasterKey): Promise<void> {
  await withDatabase(async (database) => {
    const { kysely, engine } = database;
    const provider = {
      getMigrations: async () => ({ "001-initial": { up: (db: never) => migrateInitial(db, engine) } }),
    };
    const { error } = await new Migrator({ db: kysely, provider }).migrateToLatest();
    expect(error).toBeUndefined();
    await checkMasterKey(kysely, key);
    await sql`insert into workspaces (id, key, name, created_at_ms) values (1, 'KEYS', 'Keys', 0)`.execute(
      kysely,
    );
    const place = { table: "connections", column: "secret_sealed", row: 1, workspaceId: 1 };
    await sql`insert into connections (id, workspace_id, kind, provider, name, base_url, secret_sealed, created_at_ms)
      values (1, 1, 'llm', 'openai_compatible', 'model', 'https://llm.example', ${seal(key, "sk-1", place)}, 0)`.execute(
      kysely,
    );
    expect((await readMigrations(database)).pending).not.toEqual([]);
  });
}

/** Every table with its columns and rows. */
function dump(): Promise<Record<string, unknown>> {
  return withDatabase(async ({ kysely }) => {
    const tables = await kysely.introspection.getTables({ withInternalKyselyTables: true });
    const entries = tables.map(async ({ name, columns }) => {
      const { rows } = await sql`select * from ${sql.table(name)}`.execute(kysely);
      const names = columns.map((column) => column.name).sort();
      return [name, names, rows.map((row) => JSON.stringify(row)).sort()] as const;
    });
    return Object.fromEntries((await Promise.all(entries)).map(([name, ...rest]) => [name, rest]));
  });
}

/** The data folder without the database itself and the empty file of its lock. */
function files(): Record<string, string> {
  const names = readdirSync(fixture.dataDir, { encoding: "utf8" }).filter(
    (name) => !name.startsWith("windshift.db") && name !== LOCK_FILE,
  );
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(fixture.dataDir, name), "utf8")]));
}

function startServer(env: Record<string, string>) {
  return Bun.spawn(programCommand("windshift"), {
    env: {
      PATH: process.env.PATH ?? "",
      WINDSHIFT_DATA: fixture.dataDir,
      WINDSHIFT_HOST: "127.0.0.1",
      WINDSHIFT_PORT: "0",
      ...(fixture.url === undefined ? {} : { DATABASE_URL: fixture.url }),
      ...env,
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function refusedStart(env: Record<string, string>): Promise<string> {
  const child = startServer(env);
  const [out, err] = [new Response(child.stdout).text(), new Response(child.stderr).text()];
  const code = await child.exited;
  expect([code, await out]).toEqual([2, expect.not.stringContaining('"ready"')]);
  return await err;
}

/** @returns what it logged until then */
async function startUntilReady(env: Record<string, string>): Promise<string> {
  const child = startServer(env);
  let said = "";
  for await (const bytes of child.stdout) {
    said += Buffer.from(bytes).toString();
    if (!said.includes('"ready"')) continue;
    child.kill("SIGKILL");
    await child.exited;
    return said;
  }
  throw new Error(`the server did not get ready: ${said} ${await new Response(child.stderr).text()}`);
}

const CASES = [
  { name: "another key", env: { WINDSHIFT_SECRET_KEY: hexOf(2) }, file: undefined, says: "is not the key" },
  { name: "no key", env: {}, file: undefined, says: "Put the former key back" },
  { name: "another key in the file", env: {}, file: hexOf(3), says: "is not the key" },
  { name: "a file that holds no key", env: {}, file: "half a ke", says: "does not hold a key" },
  {
    name: "two keys, of which none is the right one",
    env: { WINDSHIFT_SECRET_KEY: hexOf(2), WINDSHIFT_SECRET_KEY_PREVIOUS: hexOf(3) },
    file: undefined,
    says: "is not the key",
  },
];

describe("WB-13 F39 a start with a pending migration", () => {
  for (const { name, env, file, says } of CASES)
    test(
      `and ${name} is refused and writes nothing; with the right key it goes on`,
      async () => {
        await installFormerVersion(keyOf(RIGHT));
        const keyFile = join(fixture.dataDir, "secret-key");
        if (file !== undefined) writeFileSync(keyFile, file, { mode: 0o600 });
        const before = [await dump(), files()];
        expect(await refusedStart(env)).toContain(says);
        expect([await dump(), files()]).toEqual(before);

        writeFileSync(keyFile, hexOf(RIGHT), { mode: 0o600 });
        await startUntilReady({});
        await withDatabase(async (database) => expect((await readMigrations(database)).pending).toEqual([]));
      },
      TEST_MS_MAX,
    );
});

test(
  "WB-13 a start of an installation that is up to date with another key writes nothing",
  async () => {
    await withDatabase(async (database) => {
      await migrate(database);
      await checkMasterKey(database.kysely, keyOf(RIGHT));
    });
    const before = [await dump(), files()];
    expect(await refusedStart({ WINDSHIFT_SECRET_KEY: hexOf(2) })).toContain(keyOf(RIGHT).id);
    expect(await refusedStart({})).toContain("Put the former key back");
    expect([await dump(), files()]).toEqual(before);
  },
  TEST_MS_MAX,
);

test(
  "WB-11 a key that has sealed many values is told of at the start and by the doctor",
  async () => {
    const settings = {
      dataDir: fixture.dataDir,
      databaseUrl: fixture.url,
      secretKey: hexOf(RIGHT),
      previousSecretKey: undefined,
    };
    const used = (uses: number) => withDatabase(({ kysely }) => countUses(kysely, keyOf(RIGHT), uses));
    expect(await startUntilReady({ WINDSHIFT_SECRET_KEY: hexOf(RIGHT) })).not.toContain("has sealed");
    expect((await checkSecretKey(settings)).state).toBe("ok");
    await used(KEY_USES_WARNED);
    expect(await startUntilReady({ WINDSHIFT_SECRET_KEY: hexOf(RIGHT) })).toContain("has sealed 10737418");
    const { state, detail } = await checkSecretKey(settings);
    expect([state, detail]).toEqual(["warn", expect.stringContaining("docs/brokers.md says how")]);
  },
  TEST_MS_MAX,
);
