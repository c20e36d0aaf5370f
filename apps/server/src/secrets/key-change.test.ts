import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { createDatabase, type DatabaseFixture } from "@windshift/testing/database-fixture.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { SEALED_COLUMNS, sealAnew } from "./key-change.ts";
import { checkMasterKey } from "./key-check.ts";
import { keyIdOf, type MasterKey, masterKey, open, seal } from "./secret-box.ts";
import { forgetPreviousKeyFile, readMasterKey, replaceKeyFile, secretKeyFile } from "./secret-key-file.ts";

const CONNECTIONS = 120;
let fixture: DatabaseFixture;
let database: Database;
let workspace: number;
beforeAll(async () => {
  fixture = await createDatabase(process.env);
  database = await openDatabase({ url: fixture.url, sqliteFile: fixture.sqliteFile });
  await migrate(database);
  const row = { key: "KEYS", name: "Keys", created_at_ms: 0 };
  workspace = (
    await database.kysely.insertInto("workspaces").values(row).returning("id").executeTakeFirstOrThrow()
  ).id;
}, 30_000);
afterAll(async () => {
  await database.close();
  await fixture.drop();
});

const bytesOf = (fill: number) => new Uint8Array(32).fill(fill);
const placeOf = (row: number, column = "secret_sealed") => ({
  table: "connections",
  column,
  row,
  workspaceId: workspace,
});

/** Connections whose secrets are sealed with `key`, in place of those that are there. */
async function fill(key: MasterKey): Promise<number[]> {
  await database.kysely.deleteFrom("connections").execute();
  await database.kysely.deleteFrom("settings").execute();
  await checkMasterKey(database.kysely, key);
  const rows = Array.from({ length: CONNECTIONS }, (_, at) => ({
    workspace_id: workspace,
    kind: "llm",
    provider: "openai_compatible",
    name: `connection ${at}`,
    base_url: "https://models.test",
    created_at_ms: 0,
  }));
  const made = await database.kysely.insertInto("connections").values(rows).returning("id").execute();
  await database.transaction(async (tx) => {
    for (const { id } of made)
      await tx
        .updateTable("connections")
        .set({
          secret_sealed: seal(key, `secret ${id}`, placeOf(id)),
          webhook_secret_sealed: seal(key, `hook ${id}`, placeOf(id, "webhook_secret_sealed")),
        })
        .where("id", "=", id)
        .execute();
  });
  return made.map(({ id }) => id);
}

/** How many of the values were sealed with `key`; every one must open with `opener`. */
async function countSealedWith(key: MasterKey, opener: MasterKey): Promise<number> {
  const rows = await database.kysely.selectFrom("connections").selectAll().execute();
  let count = 0;
  for (const row of rows) {
    expect(open(opener, row.secret_sealed ?? "", placeOf(row.id))).toBe(`secret ${row.id}`);
    expect(open(opener, row.webhook_secret_sealed ?? "", placeOf(row.id, "webhook_secret_sealed"))).toBe(
      `hook ${row.id}`,
    );
    for (const sealed of [row.secret_sealed, row.webhook_secret_sealed])
      count += keyIdOf(sealed ?? "") === key.id ? 1 : 0;
  }
  return count;
}

describe("WB-12 a change of the secret key", () => {
  test("seals every value anew; then the former key opens nothing and is not needed", async () => {
    const old = masterKey(bytesOf(1));
    const fresh = masterKey(bytesOf(2));
    await fill(old);
    const ring = { ...fresh, previous: old };
    await checkMasterKey(database.kysely, ring);
    expect(await sealAnew(database, ring)).toBe(2 * CONNECTIONS + 1);
    expect(await countSealedWith(fresh, fresh)).toBe(2 * CONNECTIONS);
    await checkMasterKey(database.kysely, fresh);
    await expect(checkMasterKey(database.kysely, old)).rejects.toThrow("is not the key");
    expect(await sealAnew(database, ring)).toBe(0);
  }, 30_000);

  test("killed at any row goes on where it was, and both keys open everything until it is through", async () => {
    let old = masterKey(bytesOf(10));
    let freshFill = 11;
    await fill(old);
    const midway: number[] = [];
    for (let seed = 0; midway.length < 5; seed++) {
      expect(seed).toBeLessThan(100);
      const fresh = masterKey(bytesOf(freshFill));
      const ring = { ...fresh, previous: old };
      const child = Bun.spawn(
        [
          process.execPath,
          join(import.meta.dir, "../testing/key-change-process.ts"),
          ...[fixture.url ?? "-", fixture.sqliteFile],
          ...[Buffer.from(old.bytes).toString("hex"), Buffer.from(fresh.bytes).toString("hex")],
        ],
        { stdout: "pipe", stderr: "inherit" },
      );
      await child.stdout.getReader().read();
      // When it is killed is the point of the test; what is waited for is only a place to be killed at.
      await Bun.sleep((seed * 37) % 120);
      child.kill("SIGKILL");
      await child.exited;
      const changed = await countSealedWith(fresh, ring);
      if (changed > 0 && changed < 2 * CONNECTIONS) midway.push(changed);
      await sealAnew(database, ring);
      expect(await countSealedWith(fresh, fresh)).toBe(2 * CONNECTIONS);
      old = fresh;
      freshFill++;
    }
    expect(new Set(midway).size).toBeGreaterThan(1);
  }, 120_000);

  test("a value that was changed meanwhile is left as it is", async () => {
    const old = masterKey(bytesOf(1));
    const fresh = masterKey(bytesOf(2));
    const ring = { ...fresh, previous: old };
    const [id = 0] = await fill(old);
    const change = sealAnew(database, ring);
    const sealed = seal(fresh, "a newer secret", placeOf(id));
    await database.kysely
      .updateTable("connections")
      .set({ secret_sealed: sealed })
      .where("id", "=", id)
      .execute();
    await change;
    const row = await database.kysely
      .selectFrom("connections")
      .select("secret_sealed")
      .where("id", "=", id)
      .executeTakeFirstOrThrow();
    expect(open(fresh, row.secret_sealed ?? "", placeOf(id))).toBe("a newer secret");
  }, 30_000);

  test("knows every column that holds sealed values", async () => {
    const tables = await database.kysely.introspection.getTables();
    const sealed = tables.flatMap((table) =>
      table.columns
        .filter((column) => column.name.endsWith("_sealed"))
        .map((column) => `${table.name}.${column.name}`),
    );
    expect(sealed.sort()).toEqual([...SEALED_COLUMNS].sort());
  });
});

describe("the key's files", () => {
  const none = { key: undefined, previous: undefined };

  test("a new key keeps the former one beside it until it is forgotten", async () => {
    using dir = tempDir();
    const first = await readMasterKey(none, dir.path, async () => true);
    const made = await replaceKeyFile(dir.path);
    const ring = await readMasterKey(none, dir.path, async () => false);
    expect([ring.id, ring.previous?.id]).toEqual([made.id, first.id]);
    expect(statSync(secretKeyFile(dir.path)).mode & 0o777).toBe(0o600);
    await expect(replaceKeyFile(dir.path)).rejects.toThrow("start the server once");
    await forgetPreviousKeyFile(dir.path);
    expect((await readMasterKey(none, dir.path, async () => false)).previous).toBeUndefined();
    expect(existsSync(`${secretKeyFile(dir.path)}.next`)).toBe(false);
  });

  test("a key that comes from the setting is not changed by the files", async () => {
    using dir = tempDir();
    await expect(replaceKeyFile(dir.path)).rejects.toThrow("WINDSHIFT_SECRET_KEY_PREVIOUS");
    const hex = (fill: number) => Buffer.from(bytesOf(fill)).toString("hex");
    const ring = await readMasterKey({ key: hex(2), previous: hex(1) }, dir.path, async () => false);
    expect([ring.id, ring.previous?.id]).toEqual([masterKey(bytesOf(2)).id, masterKey(bytesOf(1)).id]);
  });
});
