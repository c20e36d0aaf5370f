import { Database as SqliteFile } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { Kysely, sql } from "kysely";
import { sqliteDialect } from "./sqlite-dialect.ts";

interface Rows {
  thing: { id: number; name: string };
}

let db: Kysely<Rows>;
beforeEach(async () => {
  db = new Kysely<Rows>({ dialect: sqliteDialect(new SqliteFile(":memory:")) });
  await sql`create table thing (id integer primary key, name text unique)`.execute(db);
});
afterEach(() => db.destroy());

const insert = (name: string) => db.insertInto("thing").values({ id: undefined as never, name });
const names = async () =>
  (await db.selectFrom("thing").select("name").orderBy("name").execute()).map((row) => row.name);

test("the same statement takes other values each time, and says what it changed", async () => {
  const ids = [];
  for (const name of ["a", "b", "c"]) ids.push((await insert(name).executeTakeFirst()).insertId);
  expect(ids).toEqual([1n, 2n, 3n]);
  const { numUpdatedRows } = await db
    .updateTable("thing")
    .set({ name: "d" })
    .where("id", ">", 2)
    .executeTakeFirst();
  expect([numUpdatedRows, await names()]).toEqual([1n, ["a", "b", "d"]]);
});

test("a statement that failed works again, and holds nothing open", async () => {
  await insert("a").execute();
  for (let at = 0; at < 2; at++) {
    expect(
      await insert("a")
        .execute()
        .catch((error: Error) => error.message),
    ).toContain("UNIQUE");
    await insert(`b${at}`).execute();
  }
  await db
    .transaction()
    .execute(async (tx) => void (await tx.deleteFrom("thing").where("name", "=", "a").execute()));
  expect(await names()).toEqual(["b0", "b1"]);
});

test("a column that was added is in the rows of a statement that ran before", async () => {
  await insert("a").execute();
  const all = () => db.selectFrom("thing").selectAll().execute();
  expect(await all()).toEqual([{ id: 1, name: "a" }]);
  await sql`alter table thing add column color text default 'red'`.execute(db);
  expect(await all()).toEqual([{ id: 1, name: "a", color: "red" }] as never);
});

test("more statements than are kept work all the same", async () => {
  await insert("a").execute();
  for (let at = 1; at <= 300; at++) {
    const ids = Array.from({ length: at }, (_, id) => id);
    const rows = await db.selectFrom("thing").select("id").where("id", "in", ids).execute();
    expect(rows).toHaveLength(at > 1 ? 1 : 0);
  }
});

test("whoever asks while another has the connection waits, in turn, and a transaction that failed left nothing", async () => {
  const order: string[] = [];
  const work = (name: string, fails: boolean) =>
    db.transaction().execute(async (tx) => {
      order.push(`${name} begins`);
      await tx
        .insertInto("thing")
        .values({ id: undefined as never, name })
        .execute();
      await Promise.resolve();
      order.push(`${name} ends`);
      if (fails) throw new Error(name);
    });
  const done = await Promise.allSettled([work("a", false), work("b", true), work("c", false), names()]);
  expect(done.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
  expect(order).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  expect(await names()).toEqual(["a", "c"]);
});

test("rows can be streamed, also while the same statement is run", async () => {
  for (const name of ["a", "b", "c"]) await insert(name).execute();
  const seen: string[] = [];
  for await (const { name } of db.selectFrom("thing").selectAll().stream()) seen.push(name);
  expect(seen).toEqual(["a", "b", "c"]);
});
