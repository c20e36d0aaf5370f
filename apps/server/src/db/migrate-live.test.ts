import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { createDatabase, type DatabaseFixture } from "@windshift/testing/database-fixture.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { sql } from "kysely";
import { insertEarlierItems, makeEarlierSchema } from "../testing/earlier-schema.ts";
import { type Database, openDatabase } from "./database.ts";
import { migrate } from "./migrate.ts";
import { createMissingIndexes } from "./missing-indexes.ts";

setDefaultTimeout(120_000);

/** PostgreSQL alone has others at work while the schema changes: `npm test` runs this there. */
const LARGE = 10_001;
const WAIT_MS = 30_000;

let fixture: DatabaseFixture;
/** As servers of the version before have it open. */
let earlier: Database;
let database: Database;
beforeEach(async () => {
  fixture = await createDatabase(process.env);
  const address = { url: fixture.url, sqliteFile: "" };
  earlier = await openDatabase(address);
  database = await openDatabase(address);
  await makeEarlierSchema(earlier);
});
afterEach(async () => {
  await earlier?.close();
  await database?.close();
  await fixture?.drop();
});

const touch = (id: number) =>
  earlier.kysely.updateTable("work_items").set({ status: "done" }).where("id", "=", id).execute();
async function indexes(): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select indexname as name from pg_indexes where schemaname = current_schema()`.execute(database.kysely);
  return rows.map(({ name }) => name);
}

test("F38 two servers that start at once bring the database up to date once", async () => {
  const said: string[] = [];
  await Promise.all([earlier, database].map((one) => migrate(one, (line) => void said.push(line))));
  expect(said.filter((line) => line.startsWith("migration 004-tracker"))).toEqual([
    "migration 004-tracker: Success",
  ]);
  await migrate(database, (line) => void said.push(`again: ${line}`));
  expect(said.filter((line) => line.startsWith("again"))).toEqual([]);
});

test("F38 while a long report keeps the update from a table, servers of the version before go on writing to it", async () => {
  await insertEarlierItems(earlier, 2);
  const report = Promise.withResolvers<void>();
  const reading = Promise.withResolvers<void>();
  const reader = earlier.transaction(async (tx) => {
    await tx.selectFrom("work_items").select("id").execute();
    reading.resolve();
    await report.promise;
  });
  await reading.promise;
  const said: string[] = [];
  let isDone = false;
  const update = migrate(database, (line) => void said.push(line)).then(() => {
    isDone = true;
  });
  await eventually("the update has waited for the table", () => said.length > 1, WAIT_MS);
  // The report goes on for as long as it likes; who writes does not wait for its end.
  for (let i = 0; i < 5; i++) await touch(1 + (i % 2));
  expect(isDone).toBe(false);
  report.resolve();
  await Promise.all([reader, update]);
  expect(said.at(-1)).toContain(": Success");
});

test("F38 indexes of a large table are made beside writers, by one server; one that broke off is made again", async () => {
  await insertEarlierItems(earlier, LARGE);
  await migrate(database);
  expect(await indexes()).not.toContain("work_items_updated");
  expect(await indexes()).toContain("runs_unended");
  const first = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const writer = earlier.transaction(async (tx) => {
    await tx.updateTable("work_items").set({ status: "done" }).where("id", "=", 1).execute();
    first.resolve();
    await release.promise;
  });
  await first.promise;
  const said: string[] = [];
  const making = createMissingIndexes(database, (line) => void said.push(line));
  await eventually("the first index waits for the writer", () => said.length === 1, WAIT_MS);
  await eventually("it is being made", async () => (await indexes()).includes("work_items_created"), WAIT_MS);
  await touch(2);
  expect(await createMissingIndexes(earlier, () => {})).toBe(false);
  expect(said).toHaveLength(1);
  release.resolve();
  await writer;
  expect(await making).toBe(true);
  expect(said).toHaveLength(5);

  await sql`update pg_index set indisvalid = false where indexrelid = 'work_items_parent'::regclass`.execute(
    database.kysely,
  );
  said.length = 0;
  expect(await createMissingIndexes(database, (line) => void said.push(line))).toBe(true);
  expect(said).toEqual(["making the index work_items_parent of work_items"]);
  expect(await createMissingIndexes(earlier, () => {})).toBe(true);
});

test("a server of an earlier version does not start on a database of a later one, and says which", async () => {
  await migrate(database);
  await sql`insert into kysely_migration (name, timestamp) values ('999-later', '2030-01-01')`.execute(
    database.kysely,
  );
  await expect(migrate(earlier)).rejects.toThrow("later version of Windshift (it has 999-later)");
});
