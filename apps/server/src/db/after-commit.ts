import type { Kysely, Transaction } from "kysely";
import type { Queries } from "./database.ts";
import type { Schema } from "./schema.ts";

/** What waits for the end of each open transaction. */
const waiting = new WeakMap<object, (() => void)[]>();

/** As Kysely's own transaction, after whose commit everything happens that was given to `afterCommit`. */
export async function runTransaction<T>(
  kysely: Kysely<Schema>,
  work: (tx: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  const acts: (() => void)[] = [];
  const result = await kysely.transaction().execute((tx) => {
    waiting.set(tx, acts);
    return work(tx);
  });
  for (const act of acts) act();
  return result;
}

/** Does something once the transaction is committed, and never when it is rolled back; at once where there is none. */
export function afterCommit(tx: Queries, act: () => void): void {
  const acts = waiting.get(tx);
  if (acts === undefined) act();
  else acts.push(act);
}
