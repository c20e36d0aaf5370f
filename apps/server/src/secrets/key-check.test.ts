import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createDatabase, type DatabaseFixture } from "@windshift/testing/database-fixture.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { checkMasterKey, hasMasterKey } from "./key-check.ts";
import { masterKey } from "./secret-box.ts";

const KEY = masterKey(new Uint8Array(32).fill(1));
const WRONG = masterKey(new Uint8Array(32).fill(2));
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

describe("WB-13 the master key", () => {
  test("is remembered from the first start on", async () => {
    expect(await hasMasterKey(database)).toBe(false);
    await Promise.all([checkMasterKey(database.kysely, KEY), checkMasterKey(database.kysely, KEY)]);
    expect(await hasMasterKey(database)).toBe(true);
    await checkMasterKey(database.kysely, KEY);
  });

  test("is looked for before there are tables", async () => {
    const empty = await createDatabase(process.env);
    const before = await openDatabase({ url: empty.url, sqliteFile: empty.sqliteFile });
    try {
      expect(await hasMasterKey(before)).toBe(false);
    } finally {
      await before.close();
      await empty.drop();
    }
  });

  test("stops the start when it is another one, and nothing is written", async () => {
    const before = await database.kysely.selectFrom("settings").selectAll().execute();
    await expect(checkMasterKey(database.kysely, WRONG)).rejects.toThrow(
      "is not the key this database was used with",
    );
    await expect(checkMasterKey(database.kysely, { ...WRONG, id: KEY.id })).rejects.toThrow(
      "Give the former key back",
    );
    expect(await database.kysely.selectFrom("settings").selectAll().execute()).toEqual(before);
  });
});
