import { CompiledQuery, sql } from "kysely";
import type { Engine, Queries } from "../db/database.ts";
import type { NewRow } from "../db/schema.ts";

const COLUMNS = [
  "run_id",
  "attempt",
  "connection_id",
  "model",
  "input_tokens",
  "cached_input_tokens",
  "output_tokens",
  "cost_micros",
  "estimated",
  "status",
  "duration_ms",
  "created_at_ms",
] as const satisfies readonly (keyof NewRow<"run_usage">)[];

/**
 * Writes rows of the ledger in few statements, whose texts are always the same: to build and read a statement of its own
 * for them takes longer than the calls take that it tells of.
 */
export async function insertUsage(
  engine: Engine,
  tx: Queries,
  rows: readonly NewRow<"run_usage">[],
): Promise<void> {
  if (rows.length === 0) return;
  if (engine === "sqlite") return insertValues(tx, rows);
  const json = JSON.stringify(rows.map((row) => ({ estimated: 0, ...row })));
  const columns = sql.raw(COLUMNS.join(", "));
  await sql`insert into run_usage (${columns})
    select ${columns} from json_populate_recordset(null::run_usage, cast(${json} as json))`.execute(tx);
}

/** Rows of one statement, the most first. */
const STEPS = [64, 16, 4, 1];
const ROW = `(${COLUMNS.map(() => "?").join(", ")})`;
const INSERTS = new Map(
  STEPS.map((step) => [
    step,
    `insert into run_usage (${COLUMNS.join(", ")}) values ${Array(step).fill(ROW).join(", ")}`,
  ]),
);

/** Reading JSON takes the embedded engine longer than bound values, of which it has no limit that matters here. */
async function insertValues(tx: Queries, rows: readonly NewRow<"run_usage">[]): Promise<void> {
  let at = 0;
  for (const [step, text] of INSERTS) {
    for (; at + step <= rows.length; at += step) {
      const values = rows.slice(at, at + step).flatMap(valuesOf);
      await tx.executeQuery(CompiledQuery.raw(text, values));
    }
  }
}

function valuesOf(row: NewRow<"run_usage">): unknown[] {
  return COLUMNS.map((column) => row[column] ?? (column === "estimated" ? 0 : null));
}
