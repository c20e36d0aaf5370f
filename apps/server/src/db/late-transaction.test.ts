import { afterEach, beforeEach, expect, test } from "bun:test";
import { sql } from "kysely";
import { createRunFixture, type RunFixture } from "../testing/run-fixture.ts";

let fixture: RunFixture;
beforeEach(async () => {
  fixture = await createRunFixture();
});
afterEach(() => fixture.close());

/** Whether a commit waits for the disk, as the database itself says: `full` is 2, `normal` is 1. */
async function waits(db: Parameters<ReturnType<typeof sql>["execute"]>[0]): Promise<boolean> {
  const statement =
    fixture.database.engine === "sqlite" ? sql`pragma synchronous` : sql`show synchronous_commit`;
  const { rows } = await statement.execute(db);
  return [2, "on"].includes(Object.values(rows[0] as object)[0]);
}

const useOf = (tokens: number) => ({ scope: "run", scope_id: 1, period: "", tokens });
const uses = () => fixture.database.kysely.selectFrom("budget_use").select("tokens").execute();

test("does not wait for the disk on SQLite, whose power is ours; the transactions beside and behind it do", async () => {
  const { database } = fixture;
  const late = database.lateTransaction(async (tx) => {
    await tx.insertInto("budget_use").values(useOf(7)).execute();
    return await waits(tx);
  });
  const beside = database.transaction((tx) => waits(tx));
  expect(await Promise.all([late, beside])).toEqual([database.engine === "postgres", true]);
  expect(await database.transaction((tx) => waits(tx))).toBe(true);
  expect(await uses()).toEqual([{ tokens: 7 }]);
});

test("one that fails is rolled back, and what comes after it waits for the disk again", async () => {
  const { database } = fixture;
  const failed = database.lateTransaction(async (tx) => {
    await tx.insertInto("budget_use").values(useOf(7)).execute();
    throw new Error("no");
  });
  expect(await failed.catch((error: Error) => error.message)).toBe("no");
  expect(await database.transaction((tx) => waits(tx))).toBe(true);
  expect(await uses()).toEqual([]);
});

test("a followed one does not hold the process up on SQLite, and waits for the disk on PostgreSQL; what is beside it waits", async () => {
  const { database } = fixture;
  const followed = database.followedTransaction(async (tx) => {
    await tx.insertInto("budget_use").values(useOf(7)).execute();
    return await waits(tx);
  });
  const beside = database.transaction((tx) => waits(tx));
  const isPostgres = database.engine === "postgres";
  expect((await followed).result).toBe(isPostgres);
  expect(await beside).toBe(true);
  const { disk } = await followed;
  expect(disk === undefined).toBe(isPostgres);
  await disk?.done;
  expect(disk?.lagMs() ?? 0).toBe(0);
  expect(await uses()).toEqual([{ tokens: 7 }]);
});
