import type { PoolId } from "@windshift/contract/ids.ts";
import { type RawBuilder, sql } from "kysely";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { RUN_COLUMNS, type RunRow } from "./run.ts";

/** A pool whose row is locked. */
export interface OpenPool {
  id: PoolId;
  /** Runs at once. */
  maxRunning: number;
  labels: readonly string[];
}

/**
 * The runs whose turn it is, the first first, locked; as many as there are, as the pool has room for, and as are asked for. The workspace
 * with the fewest in progress goes first, those before it here included, and within it the oldest run that may start.
 *
 * One statement. Goes from one workspace with queued runs to the next along an index and looks at the head of each, then
 * further into the few that can have a turn (`line`), so that its cost does not grow with the queue. Values are written into the
 * statement where an index holds for them only: a database cannot tell that of a parameter; and `order by … limit 1` stands
 * for `min`, which PostgreSQL looks up in the index only if its statistics are fresh. A workspace is a range, not one value, so that
 * it does not look for the next id among the runs of all; with `coalesce` it finds the few runs by their ids, and does not read
 * all that are queued for a join.
 * @param labels what the runner has; a run that asks for more is passed over
 * @returns rows, parsed by nobody, and the time by the database's clock
 */
export async function nextInLine(
  tx: Queries,
  database: Database,
  pool: OpenPool,
  labels: readonly string[],
  most: number,
): Promise<{ row: RunRow; nowMs: number }[]> {
  const now = dbNowMs(database.engine);
  const count = sql.lit(most);
  const mine = sql`pool_id = ${pool.id} and status = 'queued'`;
  const unmet =
    labels.length === 0
      ? sql`true`
      : sql`run_labels.label not in (${sql.join(labels.map((one) => sql`${one}`))})`;
  const next = (workspace: RawBuilder<unknown>, after: RawBuilder<unknown>) => sql`
    select id from runs
    where ${mine} and (workspace_id, id) > (${workspace}, ${after}) and workspace_id <= ${workspace}
      and (not_before_ms is null or not_before_ms <= ${now})
      and not exists (select 1 from run_labels where run_labels.run_id = runs.id and ${unmet})
    order by workspace_id, id limit 1`;
  // Whoever asks alone is spared the planning of it.
  const further =
    most === 1
      ? sql``
      : sql`union all
      select workspace_id, held + 1, (${next(sql`line.workspace_id`, sql`line.id`)}), place + 1
      from line where id is not null and place < ${count}`;
  // By name, so that PostgreSQL may keep the plan when a newer server adds a column.
  const columns = sql.join(RUN_COLUMNS.map((column) => sql.ref(`runs.${column}`)));
  const { rows } = await sql<RunRow & { now_ms: number }>`
    with recursive waiting(workspace_id) as (
      select (select workspace_id from runs where ${mine} order by workspace_id limit 1)
      union all
      select (
        select workspace_id from runs where ${mine} and workspace_id > waiting.workspace_id
        order by workspace_id limit 1
      ) from waiting where waiting.workspace_id is not null
    ),
    busy(workspace_id, held) as materialized (
      select workspace_id, count(*) from runs
      where pool_id = ${pool.id} and status = 'running' and lease_expires_at_ms is not null
      group by workspace_id
    ),
    heads(workspace_id, held, id) as materialized (
      select waiting.workspace_id, coalesce(busy.held, 0), (${next(sql`waiting.workspace_id`, sql`0`)})
      from waiting left join busy on busy.workspace_id = waiting.workspace_id
      where waiting.workspace_id is not null and (
        not exists (select 1 from pool_workspaces where pool_id = ${pool.id})
        or exists (
          select 1 from pool_workspaces
          where pool_id = ${pool.id} and pool_workspaces.workspace_id = waiting.workspace_id
        )
      )
    ),
    firsts(workspace_id, held, id, place) as (
      select workspace_id, held, id, row_number() over (order by held, id) from heads where id is not null
    ),
    line(workspace_id, held, id, place) as (
      select workspace_id, held, id, place from firsts where place <= ${count}
      ${further}
    ),
    turns(id, turn) as (
      select id, row_number() over (order by held, id) from line where id is not null
      order by held, id limit ${count}
    )
    select ${columns}, ${now} as now_ms
    from turns join runs on runs.id = turns.id
    where coalesce(runs.status, '') = 'queued'
      and turns.turn <= ${pool.maxRunning} - (select coalesce(sum(held), 0) from busy)
    order by turns.turn ${database.engine === "postgres" ? sql`for no key update of runs` : sql``}`.execute(
    tx,
  );
  return rows.map(({ now_ms: nowMs, ...row }) => ({ row, nowMs }));
}
