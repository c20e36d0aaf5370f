import { sql } from "kysely";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import type { Amount } from "./amount.ts";
import type { HoldKey } from "./hold-store.ts";

/** How long a hold outlives the last sign of its process, ms: several renewals; then what it holds counts as spent. */
export const HOLD_MS = 60_000;

/** Writes down what calls on their way have set aside, in one statement. Given none it asks nothing. */
export async function insertHolds(database: Database, tx: Queries, holds: readonly HoldKey[]): Promise<void> {
  if (holds.length === 0) return;
  await tx
    .insertInto("budget_holds")
    .values((eb) =>
      holds.map((hold) => ({
        id: hold.id,
        run_id: hold.runId,
        attempt: hold.attempt,
        holder: hold.holder,
        period: hold.period,
        tokens: 0,
        cost_micros: 0,
        expires_at_ms: eb(dbNowMs(database.engine), "+", HOLD_MS),
      })),
    )
    .execute();
}

/** Says that their process is alive. @returns the ids of those that are still there */
export async function touchHolds(database: Database, tx: Queries, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const rows = await tx
    .updateTable("budget_holds")
    .set((eb) => ({ expires_at_ms: eb(dbNowMs(database.engine), "+", HOLD_MS) }))
    .where("id", "in", ids)
    .returning("id")
    .execute();
  return rows.map(({ id }) => id);
}

/** Adds to each hold its own amount, which may be below zero. @returns the ids of those that are still there */
export async function addToHolds(
  tx: Queries,
  changes: readonly { id: string; by: Amount }[],
): Promise<Set<string>> {
  if (changes.length === 0) return new Set();
  const rows = changes.map(
    ({ id, by }) => sql`(cast(${id} as text), cast(${by.tokens} as bigint), cast(${by.cost} as bigint))`,
  );
  const { rows: there } = await sql<{ id: string }>`
    update budget_holds
    set tokens = tokens + change.column2, cost_micros = cost_micros + change.column3
    from (values ${sql.join(rows)}) as change
    where budget_holds.id = change.column1
    returning budget_holds.id`.execute(tx);
  return new Set(there.map(({ id }) => id));
}

/** @returns what each of those that were still there had set aside */
export async function deleteHolds(tx: Queries, ids: readonly string[]): Promise<Map<string, Amount>> {
  if (ids.length === 0) return new Map();
  const rows = await tx
    .deleteFrom("budget_holds")
    .where("id", "in", ids)
    .returning(["id", "tokens", "cost_micros"])
    .execute();
  return new Map(rows.map((row) => [row.id, { tokens: row.tokens, cost: row.cost_micros }]));
}
