import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createDatabase, type DatabaseFixture } from "@windshift/testing/database-fixture.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { insertEarlierItems, makeEarlierSchema } from "../testing/earlier-schema.ts";
import { fillItemSearch } from "./search-fill.ts";
import { writeItemSearch } from "./search-text.ts";

setDefaultTimeout(60_000);

/** Three batches and a part. */
const ITEMS = 701;

let fixture: DatabaseFixture;
let database: Database;
beforeAll(async () => {
  fixture = await createDatabase(process.env);
  database = await openDatabase({ url: fixture.url, sqliteFile: fixture.sqliteFile });
  await makeEarlierSchema(database);
  await insertEarlierItems(database, ITEMS);
  await migrate(database);
});
afterAll(async () => {
  await database?.close();
  await fixture?.drop();
});

async function fillAll(): Promise<number> {
  let batches = 1;
  while (await fillItemSearch(database)) batches++;
  return batches;
}
const textOf = async (id: number) =>
  (
    await database.kysely
      .selectFrom("item_search")
      .select("text")
      .where("work_item_id", "=", id)
      .executeTakeFirst()
  )?.text;
const counted = async (table: "item_search" | "item_search_stale" | "upkeep") =>
  (await database.kysely.selectFrom(table).selectAll().execute()).length;
/** As a server of the version before does it: the text of the item and nothing else. */
const rewrite = (id: number, title: string) =>
  database.kysely.updateTable("work_items").set({ title }).where("id", "=", id).execute();

test("F38 the update itself reads no item; texts are taken over afterwards, in batches that go on where the last ended", async () => {
  expect(await counted("item_search")).toBe(0);
  expect(await fillItemSearch(database)).toBe(true);
  const done = await counted("item_search");
  expect(done).toBeGreaterThan(0);
  expect(done).toBeLessThan(ITEMS);
  await fillAll();
  expect(await counted("item_search")).toBe(ITEMS);
  expect(await textOf(ITEMS)).toBe(`old-${ITEMS}\ngröße ${ITEMS}\nas it was`);
  expect([await counted("upkeep"), await counted("item_search_stale")]).toEqual([0, 0]);
});

test("F38 what a server of the version before writes is found too, soon after", async () => {
  await rewrite(7, "Renamed BY an earlier server");
  const row = await database.kysely
    .selectFrom("work_items")
    .selectAll()
    .where("id", "=", 7)
    .executeTakeFirstOrThrow();
  const { id: _, ...rest } = row;
  const made = await database.kysely
    .insertInto("work_items")
    .values({ ...rest, number: 9_000, title: "Made by an earlier server" })
    .returning("id")
    .executeTakeFirstOrThrow();
  expect(await textOf(7)).toContain("größe 7");
  await fillAll();
  expect(await textOf(7)).toBe("old-7\nrenamed by an earlier server\nas it was");
  expect(await textOf(made.id)).toBe("old-9000\nmade by an earlier server\nas it was");
});

test("a status, or a text that stays what it was, leaves nothing to do; nor does what this version writes", async () => {
  await database.kysely
    .updateTable("work_items")
    .set({ status: "done", title: "Größe 8" })
    .where("id", "=", 8)
    .execute();
  expect(await counted("item_search_stale")).toBe(0);
  await database.transaction(async (tx) => {
    await tx.updateTable("work_items").set({ title: "New" }).where("id", "=", 8).execute();
    await writeItemSearch(tx, { id: 8, key: "OLD-8", title: "New", description: "" });
  });
  expect(await counted("item_search_stale")).toBe(0);
  await rewrite(8, "Again");
  expect(await counted("item_search_stale")).toBe(1);
  await fillAll();
});

test("a text that is written while it is taken over is not lost", async () => {
  if (fixture.engine === "sqlite") {
    // There one transaction comes after the other.
    await database.transaction((tx) => rewriteIn(tx, 9, "Later"));
    await fillAll();
  } else {
    await rewrite(9, "Earlier");
    await database.transaction(async (tx) => {
      await rewriteIn(tx, 9, "Later");
      // It does not wait for the other, and leaves the mark.
      await fillAll();
      expect(await counted("item_search_stale")).toBe(1);
    });
    await fillAll();
  }
  expect(await textOf(9)).toContain("later");
  expect(await counted("item_search_stale")).toBe(0);
});

test("an item that is deleted takes its mark along", async () => {
  await rewrite(10, "Gone soon");
  await database.kysely.deleteFrom("work_items").where("id", "=", 10).execute();
  expect(await counted("item_search_stale")).toBe(0);
});

function rewriteIn(tx: Database["kysely"], id: number, title: string) {
  return tx.updateTable("work_items").set({ title }).where("id", "=", id).execute();
}
