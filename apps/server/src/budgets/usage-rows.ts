import { sql } from "kysely";
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
 * Writes rows of the ledger as one value of JSON: a statement with a bound value for each field takes longer to be built
 * and read than the calls take that it tells of.
 */
export async function insertUsage(
  engine: Engine,
  tx: Queries,
  rows: readonly NewRow<"run_usage">[],
): Promise<void> {
  if (rows.length === 0) return;
  const json = JSON.stringify(rows.map((row) => ({ estimated: 0, ...row })));
  const from = engine === "sqlite" ? sqliteRows(json) : postgresRows(json);
  await sql`insert into run_usage (${sql.raw(COLUMNS.join(", "))}) ${from}`.execute(tx);
}

function sqliteRows(json: string) {
  const values = sql.raw(COLUMNS.map((column) => `value ->> '${column}'`).join(", "));
  return sql`select ${values} from json_each(${json})`;
}

function postgresRows(json: string) {
  const columns = sql.raw(COLUMNS.join(", "));
  return sql`select ${columns} from json_populate_recordset(null::run_usage, cast(${json} as json))`;
}
