import type { PoolId, RunnerId } from "@windshift/contract/ids.ts";
import { LEASE_MS } from "@windshift/contract/limits.ts";
import type { Isolation } from "@windshift/contract/run.ts";
import { type RawBuilder, sql } from "kysely";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { Run } from "./run.ts";

/** One that takes a run: its runner, and the start of it and the key of its claim if it is a host. */
export interface Taker {
  runner: RunnerId;
  boot: string | null;
  key: string | null;
  isolation: Isolation;
}

/** A pool whose row is locked. */
export interface OpenPool {
  id: PoolId;
  /** Runs at once. */
  maxRunning: number;
  labels: readonly string[];
}

type RunRow = Row<"runs">;
const COLUMNS = Object.keys(Run.shape) as (keyof RunRow)[];

/**
 * Gives the runs whose turn it is to the takers, in their order, as far as runs and the pool's room reach. The turn: the workspace with the fewest
 * in progress goes first, these runs included, and within it the oldest run that may start.
 *
 * One statement. Goes from one workspace with queued runs to the next along an index and looks at the head of each, then
 * further into the few that can have a turn (`line`), so that its cost does not grow with the queue. Values are written into the
 * statement where an index holds for them only: a database cannot tell that of a parameter; and `order by … limit 1` stands
 * for `min`, which PostgreSQL looks up in the index only if its statistics are fresh. A workspace is a range, not one value, so that
 * it does not look for the next id among the runs of all; with `coalesce` it finds the few runs by their ids, and does not read
 * all that are queued for a join.
 * @param labels what the takers have; a run that asks for more is passed over
 * @param takers no two of one runner with the same key
 * @returns the row that each taker has now, parsed by nobody; undefined for those that got none
 */
export async function takeTurns(
  tx: Queries,
  database: Database,
  pool: OpenPool,
  labels: readonly string[],
  takers: readonly Taker[],
): Promise<(RunRow | undefined)[]> {
  const now = dbNowMs(database.engine);
  const count = sql.lit(takers.length);
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
  const { rows } = await sql<RunRow>`
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
      union all
      select workspace_id, held + 1, (${next(sql`line.workspace_id`, sql`line.id`)}), place + 1
      from line where id is not null and place < ${count}
    ),
    turns(id, turn) as (
      select id, row_number() over (order by held, id) from line where id is not null
      order by held, id limit ${count}
    ),
    takers(turn, runner_id, runner_boot, claim_key, isolation) as (
      values ${sql.join(takers.map(takerRow))}
    )
    update runs set
      status = 'running', phase = 'claimed', attempt = runs.attempt + 1,
      runner_id = takers.runner_id, runner_boot = takers.runner_boot, claim_key = takers.claim_key,
      isolation = takers.isolation,
      lease_expires_at_ms = ${now} + ${sql.lit(LEASE_MS)}, started_at_ms = coalesce(runs.started_at_ms, ${now}),
      pushed_oid = null, not_before_ms = null, refusal = null
    from turns join takers on takers.turn = turns.turn
    where runs.id = turns.id and coalesce(runs.status, '') = 'queued'
      and turns.turn <= ${pool.maxRunning} - (select coalesce(sum(held), 0) from busy)
    returning ${sql.join(COLUMNS.map((name) => sql.ref(`runs.${name}`)))}, runs.claim_key`.execute(tx);
  // Of what takes part in an update, SQLite gives back only the table that is changed.
  return takers.map(({ runner, key }) =>
    rows.find((row) => row.runner_id === runner && row.claim_key === key),
  );
}

function takerRow({ runner, boot, key, isolation }: Taker, at: number): RawBuilder<unknown> {
  const text = (value: string | null) => sql`cast(${value} as text)`;
  return sql`(${sql.lit(at + 1)}, cast(${runner} as integer), ${text(boot)}, ${text(key)}, ${text(isolation)})`;
}
