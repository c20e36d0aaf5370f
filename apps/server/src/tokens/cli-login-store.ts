import { AppError } from "@windshift/contract/app-error.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { addressBlock } from "../http/address-block.ts";

/** @throws AppError `not_found` for an unknown or expired code */
export async function findCliLogin(
  database: Database,
  db: Queries,
  userCode: string,
): Promise<Row<"cli_logins">> {
  return found(await waiting(database, db).where("user_code", "=", userCode).executeTakeFirst());
}

/** @throws AppError `not_found` for an unknown, used or expired secret */
export async function findCliLoginByPoll(
  database: Database,
  db: Queries,
  pollHash: string,
): Promise<Row<"cli_logins">> {
  return found(await waiting(database, db).where("poll_hash", "=", pollHash).executeTakeFirst());
}

/**
 * Makes room for one more sign-in: while there are `max`, the oldest that nobody decided yet goes, of the network that has most.
 * A decided one goes only when there is no other.
 */
export async function makeRoom(db: Queries, max: number): Promise<void> {
  const { count } = await db
    .selectFrom("cli_logins")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  if (count < max) return;
  const rows = await db.selectFrom("cli_logins").select(["id", "address", "state"]).orderBy("id").execute();
  const pending = rows.filter(({ state }) => state === "pending");
  const networks = Map.groupBy(pending.length > 0 ? pending : rows, networkOf);
  const [most = []] = [...networks.values()].toSorted((a, b) => b.length - a.length);
  const surplus = Math.max(1, Math.min(rows.length - max + 1, most.length));
  const ids = most.slice(0, surplus).map(({ id }) => id);
  if (ids.length > 0) await db.deleteFrom("cli_logins").where("id", "in", ids).execute();
}
function networkOf({ address }: { address: string | null }): string {
  return addressBlock(address ?? "");
}

/** @returns whether it was there: of two asks at the same time one gets the token */
export async function deleteCliLogin(tx: Queries, id: number): Promise<boolean> {
  const gone = await tx.deleteFrom("cli_logins").where("id", "=", id).returning("id").executeTakeFirst();
  return gone !== undefined;
}

/** Those whose time is over, answered or not. */
export async function deleteExpiredCliLogins(database: Database): Promise<void> {
  await database.kysely
    .deleteFrom("cli_logins")
    .where("expires_at_ms", "<=", dbNowMs(database.engine))
    .execute();
}

function waiting(database: Database, db: Queries) {
  return db.selectFrom("cli_logins").selectAll().where("expires_at_ms", ">", dbNowMs(database.engine));
}

function found(row: Row<"cli_logins"> | undefined): Row<"cli_logins"> {
  if (row === undefined)
    throw new AppError("not_found", "there is no such sign-in, or it took too long; run `ws login` again");
  return row;
}
