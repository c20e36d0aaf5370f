import { eventually } from "@windshift/testing/eventually.ts";
import { sql } from "kysely";
import type { Database, Queries } from "../db/database.ts";

/**
 * Waits until another transaction waits for what this one holds. In SQLite, whose transactions of a process come one after the
 * other, it waits for this one from the start.
 */
export async function untilAnotherWaits(database: Database, tx: Queries): Promise<void> {
  if (database.engine === "sqlite") return;
  const { rows: own } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
  // On another connection: a transaction sees the list of processes as it was at its first look.
  await eventually("another transaction waits for this one", async () => {
    const { rows } = await sql`select 1 from pg_stat_activity
      where datname = current_database() and ${own[0]?.pid} = any(pg_blocking_pids(pid))`.execute(
      database.kysely,
    );
    return rows.length > 0;
  });
}
