import { ensurePostgres } from "../../scripts/setup/ensure-postgres.ts";
import type { BenchReport } from "../bench.ts";

export type BenchEngine = "SQLite" | "PostgreSQL";

/** A commit waits for the disk, as with a PostgreSQL as it comes. */
const DURABLE = { durable: true };

/** Does the same on both databases; PostgreSQL is one of our own, in a temporary folder. */
export async function onEachEngine(
  report: BenchReport,
  work: (engine: BenchEngine) => Promise<void>,
): Promise<void> {
  const before = { ...process.env };
  process.env.WINDSHIFT_TEST_DATABASE = "sqlite";
  await work("SQLite");
  const postgres = await ensurePostgres(report.progress, DURABLE);
  if (postgres.kind === "unavailable") throw new Error(`no PostgreSQL: ${postgres.why}`);
  try {
    process.env.WINDSHIFT_TEST_DATABASE = "postgres";
    process.env.WINDSHIFT_TEST_DATABASE_URL = postgres.url;
    await work("PostgreSQL");
  } finally {
    for (const name of ["WINDSHIFT_TEST_DATABASE", "WINDSHIFT_TEST_DATABASE_URL"])
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    await postgres.stop();
  }
}
