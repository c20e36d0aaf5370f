import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createDatabase, type DatabaseFixture } from "@windshift/testing/database-fixture.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { countUses, KEY_USES_MAX, KEY_USES_WARNED, readUses, sealCounted, usesWarning } from "./key-uses.ts";
import { masterKey, open, type SealedPlace } from "./secret-box.ts";

const PLACE: SealedPlace = { table: "connections", column: "secret_sealed", row: 4, workspaceId: 2 };
const keyOf = (fill: number) => masterKey(new Uint8Array(32).fill(fill));
let fixture: DatabaseFixture;
let database: Database;
beforeAll(async () => {
  fixture = await createDatabase(process.env);
  database = await openDatabase({ url: fixture.url, sqliteFile: fixture.sqliteFile });
  await migrate(database);
});
afterAll(async () => {
  await database.close();
  await fixture.drop();
});

describe("WB-11 the uses of a key", () => {
  test("end below their bound, also when many come at once", async () => {
    const key = keyOf(1);
    const tries = await Promise.allSettled(
      Array.from({ length: 30 }, (_, n) => sealCounted(database.kysely, key, `secret ${n}`, PLACE, 20)),
    );
    const sealed = tries.flatMap((done) => (done.status === "fulfilled" ? [done.value] : []));
    expect(sealed).toHaveLength(19);
    for (const value of sealed) expect(open(key, value, PLACE)).toStartWith("secret ");
    expect(await readUses(database.kysely, key)).toBe(19);
    await expect(sealCounted(database.kysely, key, "more", PLACE, 20)).rejects.toThrow(
      `the secret key ${key.id} has sealed as many values as one key may`,
    );
    // Another key has its own count.
    expect(await sealCounted(database.kysely, keyOf(2), "more", PLACE, 20)).toStartWith("v1.");
  });

  test("are counted exactly up to 2^32, which is where they end", async () => {
    const key = keyOf(3);
    await countUses(database.kysely, key, 1);
    await countUses(database.kysely, key, KEY_USES_MAX - 3);
    expect(await sealCounted(database.kysely, key, "the last", PLACE)).toStartWith("v1.");
    expect(await readUses(database.kysely, key)).toBe(2 ** 32 - 1);
    await expect(sealCounted(database.kysely, key, "one too many", PLACE)).rejects.toThrow("Make a new one");
    await expect(countUses(database.kysely, key, 1)).rejects.toThrow("Make a new one");
    expect(await readUses(database.kysely, key)).toBe(2 ** 32 - 1);
  });

  test("of a value that was not stored are not counted", async () => {
    const key = keyOf(4);
    const work = database.transaction(async (tx) => {
      await sealCounted(tx, key, "never stored", PLACE);
      throw new Error("the rest failed");
    });
    await expect(work).rejects.toThrow("the rest failed");
    expect(await readUses(database.kysely, key)).toBe(0);
  });

  test("make a warning long before", async () => {
    const key = keyOf(5);
    await countUses(database.kysely, key, KEY_USES_WARNED - 1);
    expect(await usesWarning(database.kysely, key)).toBeUndefined();
    await countUses(database.kysely, key, 1);
    expect(await usesWarning(database.kysely, key)).toContain("has sealed 1073741824 values");
    expect(KEY_USES_WARNED * 4).toBe(KEY_USES_MAX);
  });

  test("are all counted: nothing else seals", () => {
    const sources = readdirSync(join(import.meta.dir, ".."), { recursive: true, encoding: "utf8" }).filter(
      (file) => file.endsWith(".ts") && !file.endsWith(".test.ts"),
    );
    const sealing = sources.filter((file) =>
      /import [^;]*\bseal\b[^;]* from "[^"]*secret-box\.ts"/.test(sourceOf(file)),
    );
    expect(sealing.sort()).toEqual(["secrets/key-change.ts", "secrets/key-uses.ts"]);
    expect(sourceOf("secrets/key-change.ts")).toContain("countUses(");
  });
});

function sourceOf(file: string): string {
  return readFileSync(join(import.meta.dir, "..", file), "utf8");
}
