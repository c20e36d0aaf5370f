import { sql } from "kysely";
import type { Database } from "../db/database.ts";

/** Of each statement; what a transaction holds in memory stays small. */
const ROWS_AT_ONCE = 500_000;

/**
 * Stores many events of the first attempts of some runs, made by the database itself: millions take a minute.
 * @param runs numbers without a gap; they get the events in turn
 * @param from how many were stored so before
 * @param data of each event, JSON
 */
export async function fillEvents(
  database: Database,
  runs: readonly number[],
  from: number,
  to: number,
  data: string,
): Promise<void> {
  const first = sql.lit(runs[0] ?? 0);
  const count = sql.lit(runs.length);
  const at = sql.lit(new Date().toISOString());
  for (let start = from; start < to; start += ROWS_AT_ONCE) {
    const numbers = numbersOf(database, start, Math.min(to, start + ROWS_AT_ONCE) - 1);
    await sql`
      insert into run_events (run_id, attempt, seq, type, at, data, stored_at_ms)
      select ${first} + n % ${count}, 1, n / ${count} + 1, 'stdout', ${at}, ${sql.lit(data)}, ${sql.lit(Date.now())}
      from (${numbers}) as numbers`.execute(database.kysely);
  }
  await sql`analyze`.execute(database.kysely);
}

/** A table of whole numbers, one column `n`. */
function numbersOf(database: Database, from: number, to: number) {
  if (database.engine === "postgres")
    return sql`select n from generate_series(${sql.lit(from)}, ${sql.lit(to)}) as n`;
  return sql`
    with recursive c(n) as (select ${sql.lit(from)} union all select n + 1 from c where n < ${sql.lit(to)})
    select n from c`;
}
