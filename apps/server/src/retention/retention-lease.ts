import { z } from "zod";
import { type Database, dbNowMs } from "../db/database.ts";

/** Where it stands in `settings`. */
const KEY = "retention_lease";
/** For so long a server may go on without a word, ms: far above what one archive takes, and an hour's look is not missed for it. */
const RETENTION_LEASE_MS = 15 * 60_000;

const Lease = z.object({ holder: z.string(), until_ms: z.number() });

/**
 * Takes the work of shortening for this server, or keeps it. Only a saving: whoever works without it does no harm, as each transcript
 * changes its place in one transaction.
 * @param holder of this process alone
 * @returns false while another server has it
 */
export async function holdRetention({ engine, kysely: db }: Database, holder: string): Promise<boolean> {
  const now = Number((await db.selectNoFrom(dbNowMs(engine).as("now")).executeTakeFirstOrThrow()).now);
  const mine = JSON.stringify({ holder, until_ms: now + RETENTION_LEASE_MS } satisfies z.infer<typeof Lease>);
  await db
    .insertInto("settings")
    .values({ key: KEY, value: JSON.stringify({ holder, until_ms: 0 }) })
    .onConflict((oc) => oc.column("key").doNothing())
    .execute();
  const { value } = await db
    .selectFrom("settings")
    .select("value")
    .where("key", "=", KEY)
    .executeTakeFirstOrThrow();
  const held = Lease.parse(JSON.parse(value));
  if (held.holder !== holder && held.until_ms > now) return false;
  const { numUpdatedRows } = await db
    .updateTable("settings")
    .set({ value: mine })
    .where("key", "=", KEY)
    .where("value", "=", value)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Lets another server have it at once. */
export async function releaseRetention({ kysely: db }: Database, holder: string): Promise<void> {
  await db
    .deleteFrom("settings")
    .where("key", "=", KEY)
    .where("value", "like", `{"holder":"${holder}",%`)
    .execute();
}
