import { expect, test } from "bun:test";
import { createDatabase } from "@windshift/testing/database-fixture.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { SQL } from "bun";
import { sql } from "kysely";
import { openDatabase } from "./database.ts";

/** More than once: what is thrown at nobody depends on the moment. */
const TIMES = 5;

test("F10 a connection that breaks in the middle of a transaction ends that transaction and nothing else", async () => {
  const fixture = await createDatabase(process.env);
  const database = await openDatabase({ url: fixture.url, sqliteFile: fixture.sqliteFile });
  const breakOff = fixture.url === undefined ? fail : breaker(fixture.url);
  const one = sql<number>`1`.as("one");
  try {
    for (let i = 0; i < TIMES; i++) {
      const broken = database.transaction(async (tx) => {
        await tx.selectNoFrom(one).execute();
        await breakOff();
        await tx.selectNoFrom(one).execute();
      });
      await expect(broken).rejects.toThrow();
      const next = () => database.transaction((tx) => tx.selectNoFrom(one).executeTakeFirstOrThrow());
      expect(await eventually("the next transaction is served", next)).toEqual({ one: 1 });
    }
  } finally {
    await database.close();
    await fixture.drop();
  }
});

/** SQLite has no connection that could break; the work itself fails. */
async function fail(): Promise<void> {
  throw new Error("the disk is gone");
}

/** Ends all other connections, and waits until they are gone. */
function breaker(url: string): () => Promise<void> {
  return async () => {
    const admin = new SQL(url, { max: 1 });
    const others = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    await admin.unsafe(`select pg_terminate_backend(pid) ${others} and application_name = 'windshift'`);
    await eventually("the connections are gone", async () => {
      const [row] = await admin.unsafe(
        `select count(*)::int as n ${others} and application_name = 'windshift'`,
      );
      return row.n === 0;
    });
    await admin.close();
  };
}
