import { sql } from "kysely";
import type { Database } from "../db/database.ts";
import { WriteBatch } from "../db/write-batch.ts";
import type { Run } from "./run.ts";

interface Base {
  run: number;
  attempt: number;
  oid: string | null;
}

const batches = new WeakMap<Database, WriteBatch<Base>>();

/** What the run may push stands on this commit, also when its base branch moves on. On disk when this resolves. */
export function keepBase(database: Database, run: Run, oid: string | null): Promise<void> {
  if (!batches.has(database)) batches.set(database, new WriteBatch((bases) => write(database, bases)));
  return (batches.get(database) as WriteBatch<Base>).add({ run: run.id, attempt: run.attempt, oid });
}

async function write(database: Database, bases: readonly Base[]): Promise<void> {
  const rows = bases.map(
    ({ run, attempt, oid }) =>
      sql`(cast(${run} as integer), cast(${attempt} as integer), cast(${oid} as text))`,
  );
  // What was said while a run waited for its forge is over.
  await sql`
    with bases(run_id, attempt, oid) as (values ${sql.join(rows)})
    update runs set
      base_oid = bases.oid,
      detail = case when forge_wait_since_ms is null then detail end,
      forge_wait_since_ms = null
    from bases where runs.id = bases.run_id and runs.attempt = bases.attempt`.execute(database.kysely);
}
