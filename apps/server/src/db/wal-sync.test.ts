import { expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { openSqlite } from "./sqlite.ts";
import { WalSync } from "./wal-sync.ts";

/** A disk that says it is done when the test does. */
function slowDisk() {
  const flushes: PromiseWithResolvers<void>[] = [];
  const flush = () => {
    const one = Promise.withResolvers<void>();
    flushes.push(one);
    return one.promise;
  };
  const begun = (count: number) => eventually(`flush ${count} has begun`, () => flushes.length === count);
  return { flush, flushes, begun };
}

async function withLog<T>(work: (file: string) => Promise<T>): Promise<T> {
  using dir = tempDir();
  const file = `${dir.path}/a.db`;
  await Bun.write(`${file}-wal`, "");
  return await work(file);
}

test("whoever asks during a flush waits for the next one, together with all others", () =>
  withLog(async (file) => {
    const { flush, flushes, begun } = slowDisk();
    const wal = new WalSync(file, flush);
    const done: string[] = [];
    const first = wal.sync().then(() => done.push("first"));
    await begun(1);
    const rest = [1, 2].map((name) => wal.sync().then(() => done.push(`later ${name}`)));
    flushes[0]?.resolve();
    await first;
    await begun(2);
    expect(done).toEqual(["first"]);
    flushes[1]?.resolve();
    await Promise.all(rest);
    expect([done, flushes.length]).toEqual([["first", "later 1", "later 2"], 2]);
    await wal.close();
  }));

test("a disk that failed once is not believed again", () =>
  withLog(async (file) => {
    const { flush, flushes, begun } = slowDisk();
    const wal = new WalSync(file, flush);
    const failed = wal.sync().catch((error: Error) => error.message);
    await begun(1);
    const behind = wal.sync().catch((error: Error) => error.message);
    flushes[0]?.reject(new Error("EIO"));
    expect(await Promise.all([failed, behind])).toEqual(["EIO", "EIO"]);
    await expect(wal.sync()).rejects.toThrow("EIO");
    expect(() => wal.assertSound()).toThrow("EIO");
    expect(wal.lagMs()).toBe(Number.POSITIVE_INFINITY);
    expect(flushes).toHaveLength(1);
    await wal.close();
  }));

test("tells how long the first of those who wait has waited, whoever came since", () =>
  withLog(async (file) => {
    const { flush, flushes, begun } = slowDisk();
    const wal = new WalSync(file, flush);
    expect(wal.lagMs()).toBe(0);
    const first = wal.sync();
    await begun(1);
    await eventually("time passes", () => wal.lagMs() > 20);
    const second = wal.sync();
    const before = wal.lagMs();
    expect(before).toBeGreaterThan(20);
    flushes[0]?.resolve();
    await first;
    await begun(2);
    await eventually("time passes", () => wal.lagMs() > before);
    flushes[1]?.resolve();
    await second;
    expect(wal.lagMs()).toBe(0);
    await wal.close();
  }));

test("flushes the log of a real database, also after it was written back and begun anew", async () => {
  using dir = tempDir();
  const database = await openSqlite(`${dir.path}/a.db`);
  const { kysely } = database;
  await kysely.schema.createTable("thing").addColumn("id", "integer").execute();
  const insert = async () => {
    const { disk } = await database.followedTransaction((tx) =>
      tx
        .insertInto("thing" as never)
        .values({ id: 1 } as never)
        .execute(),
    );
    await disk?.done;
  };
  await insert();
  for (const mode of ["PASSIVE", "RESTART", "TRUNCATE"]) {
    await kysely.executeQuery({
      sql: `pragma wal_checkpoint(${mode})`,
      parameters: [],
      query: {} as never,
      queryId: {} as never,
    });
    await insert();
  }
  expect(
    await kysely
      .selectFrom("thing" as never)
      .selectAll()
      .execute(),
  ).toHaveLength(4);
  await database.close();
});
