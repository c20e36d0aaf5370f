import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import type { NewRow } from "../db/schema.ts";
import { type Amount, isNothing, minus, NOTHING } from "./amount.ts";
import { addToHolds, deleteHolds, HOLD_MS } from "./hold-rows.ts";
import { insertUsage } from "./usage-rows.ts";
import { ROWS_MAX, type ScopeKey, UseTotals } from "./use-store.ts";

/** What became of a part of one hold since it was last written down. */
export interface HoldChange {
  id: string;
  budgets: readonly ScopeKey[];
  /** Comes out of the hold. */
  taken: Amount;
  /** Was used up; more than was taken only when a provider went over its cap. */
  spent: Amount;
  /** Ends the hold and gives its rest back. */
  close: boolean;
}

/** What a call used up that nothing was set aside for, because no budget held for it: one set later counts it. */
export interface FreeSpending {
  budgets: readonly ScopeKey[];
  spent: Amount;
}

export interface SettleBatch {
  calls: readonly NewRow<"run_usage">[];
  changes: readonly HoldChange[];
  free: readonly FreeSpending[];
}

/**
 * Writes calls down and takes what they cost out of the holds: all of it or nothing. Does not wait for the disk: should
 * the machine lose power first, the holds stand as they were set aside, and count as spent.
 */
export function settleBatch(database: Database, { calls, changes, free }: SettleBatch): Promise<void> {
  return database.lateTransaction(async (tx) => {
    for (const some of slices(calls)) await insertUsage(database.engine, tx, some);
    const totals = new UseTotals();
    for (const some of slices([...changes].sort((a, b) => (a.id < b.id ? -1 : 1)))) {
      const taken = await takeOut(tx, some);
      // A hold that is gone expired: all of it was counted as spent then.
      for (const { id, budgets, spent } of some) {
        const amount = taken.get(id);
        if (amount !== undefined) totals.add(budgets, minus(NOTHING, amount), spent);
      }
    }
    for (const { budgets, spent } of free) totals.add(budgets, NOTHING, spent);
    await totals.write(tx);
  });
}

function* slices<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += ROWS_MAX) yield all.slice(at, at + ROWS_MAX);
}

/** @returns what came out of each hold that is still there */
async function takeOut(tx: Queries, changes: readonly HoldChange[]): Promise<Map<string, Amount>> {
  const open = changes.filter(({ close }) => !close);
  const there = await addToHolds(
    tx,
    open.map(({ id, taken }) => ({ id, by: minus(NOTHING, taken) })),
  );
  const closed = await deleteHolds(
    tx,
    changes.filter(({ close }) => close).map(({ id }) => id),
  );
  return new Map([
    ...open.filter(({ id }) => there.has(id)).map(({ id, taken }) => [id, taken] as const),
    ...closed,
  ]);
}

/** Says that the process is alive. */
export async function renewHolds(database: Database, holder: string): Promise<void> {
  await database.kysely
    .updateTable("budget_holds")
    .set((eb) => ({ expires_at_ms: eb(dbNowMs(database.engine), "+", HOLD_MS) }))
    .where("holder", "=", holder)
    .execute();
}

/**
 * Counts as spent what processes that are gone had set aside: their calls may have cost it. Each becomes a row of the
 * run's usage that says so, with all its tokens as input.
 * @returns the holds
 */
export function expireHolds(database: Database): Promise<number> {
  return database.transaction(async (tx) => {
    const gone = await tx
      .deleteFrom("budget_holds")
      .where("expires_at_ms", "<", dbNowMs(database.engine))
      .returningAll()
      .execute();
    const totals = new UseTotals();
    for (const hold of gone.sort((a, b) => (a.id < b.id ? -1 : 1))) {
      const amount = { tokens: hold.tokens, cost: hold.cost_micros };
      if (isNothing(amount)) continue;
      totals.add(await scopesOf(tx, hold.run_id, hold.period), minus(NOTHING, amount), amount);
      await tx
        .insertInto("run_usage")
        .values({
          run_id: hold.run_id,
          attempt: hold.attempt,
          model: LOST_MODEL,
          input_tokens: amount.tokens,
          output_tokens: 0,
          // Without a price nothing was set aside, and what it cost is not known.
          cost_micros: amount.cost === 0 ? null : amount.cost,
          estimated: 1,
          status: LOST_STATUS,
          duration_ms: 0,
          created_at_ms: dbNowMs(database.engine),
        })
        .execute();
    }
    await totals.write(tx);
    return gone.length;
  });
}

/** Stands in the place of the model where calls are not known one by one. */
export const LOST_MODEL = "unknown (the server ended during a call)";
/** Nobody was answered. */
const LOST_STATUS = 0;

async function scopesOf(tx: Queries, runId: number, period: string): Promise<ScopeKey[]> {
  const run = await tx
    .selectFrom("runs")
    .select(["workspace_id", "binding_id"])
    .where("id", "=", runId)
    .executeTakeFirstOrThrow();
  return [
    { scope: "workspace", id: run.workspace_id, period },
    ...(run.binding_id === null ? [] : [{ scope: "binding" as const, id: run.binding_id, period }]),
    { scope: "run", id: runId, period: "" },
  ];
}
