import { afterAll, beforeAll, expect, test } from "bun:test";
import { createDatabase, type DatabaseFixture } from "@windshift/testing/database-fixture.ts";
import { sql } from "kysely";
import { type Database, openDatabase } from "./database.ts";
import { migrate } from "./migrate.ts";

let fixture: DatabaseFixture;
let database: Database;
let id: number;

beforeAll(async () => {
  fixture = await createDatabase(process.env);
  database = await openDatabase(fixture);
  await migrate(database);
  const row = { name: "known", max_running: 1, created_at_ms: 1 };
  ({ id } = await database.kysely.insertInto("pools").values(row).returning("id").executeTakeFirstOrThrow());
});

afterAll(async () => {
  await database.close();
  await fixture.drop();
});

/** Reads a pool by its id, as a claim does. */
function readPool(pool: number, from: "repeatedTransaction" | "transaction" = "repeatedTransaction") {
  return database[from]((tx) => tx.selectFrom("pools").select("name").where("id", "=", pool).execute());
}

/** How often PostgreSQL has carried out plans that it kept, on the connection of a repeated transaction. */
async function keptPlans(): Promise<number> {
  const { rows } = await database.repeatedTransaction((tx) =>
    sql<{
      count: number;
    }>`select coalesce(sum(generic_plans), 0) as count from pg_prepared_statements`.execute(tx),
  );
  return Number(rows[0]?.count);
}

test("a statement that comes again is planned once, in repeated transactions alone, and reads what is there", async () => {
  for (let n = 0; n < 20; n++) expect(await readPool(id, "transaction")).toHaveLength(1);
  const before = database.engine === "postgres" ? await keptPlans() : 0;
  for (let n = 0; n < 20; n++)
    expect(await readPool(n % 2 === 0 ? id : -1)).toHaveLength(n % 2 === 0 ? 1 : 0);
  const after = database.engine === "postgres" ? await keptPlans() : 0;
  expect({ before, kept: after > 0 }).toEqual({ before: 0, kept: database.engine === "postgres" });
});

test("a repeated transaction that fails leaves nothing, and its connection goes on", async () => {
  for (let n = 0; n < 5; n++) {
    const broken = database.repeatedTransaction(async (tx) => {
      await tx.insertInto("pools").values({ name: "lost", max_running: 1, created_at_ms: 1 }).execute();
      throw new Error("no");
    });
    expect(await broken.catch((error: Error) => error.message)).toBe("no");
  }
  const lost = database.repeatedTransaction((tx) =>
    tx.selectFrom("pools").select("id").where("name", "=", "lost").execute(),
  );
  expect(await lost).toEqual([]);
});

test("a column that a newer server adds breaks no statement that was planned", async () => {
  const all = () =>
    database.repeatedTransaction((tx) => tx.selectFrom("pools").selectAll().where("id", "=", id).execute());
  for (let n = 0; n < 10; n++) await Promise.all([readPool(id), all()]);
  await sql`alter table pools add column later integer`.execute(database.kysely);
  expect(await readPool(id)).toHaveLength(1);
  expect(await all()).toHaveLength(1);
});
