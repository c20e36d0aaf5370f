import { sql } from "kysely";
import type { Database, Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import type { Claimer, HostClaim } from "./run-queue.ts";

/** `again`: holds the run that its key brought. `barred`: its host is full, takes no work, or is not the one that is known. */
export type Standing = "admitted" | "again" | "barred";

type HostClaimer = Claimer & { host: HostClaim };
type HostRow = Pick<Row<"runners">, "id" | "boot" | "revoked_at_ms" | "draining" | "drain_asked">;

const NOTHING: Held = { count: 0, keys: [] };

/**
 * How each claimer stands, in their order: whether its host is the one that is known, takes work and has a free place, those before
 * it in this group counted. The hosts are locked: revoking one and a new start of it wait for this claim, and then find its
 * run; or this one finds what they did.
 */
export async function standingsOf(
  tx: Queries,
  database: Database,
  claimers: readonly Claimer[],
): Promise<Standing[]> {
  const asking = claimers.filter(isHost);
  if (asking.length === 0) return claimers.map(() => "admitted");
  const hosts = new Map((await lockHosts(tx, database, asking)).map((row) => [row.id, row]));
  const held = await heldBy(tx, asking);
  return claimers.map((claimer) => {
    if (!isHost(claimer)) return "admitted";
    const { runner, host } = claimer;
    const { count, keys } = held.get(runner) ?? NOTHING;
    if (keys.includes(host.key)) return "again";
    if (!takesWork(hosts.get(runner), host.boot) || count >= host.capacity) return "barred";
    held.set(runner, { count: count + 1, keys: [...keys, host.key] });
    return "admitted";
  });
}

function isHost(claimer: Claimer): claimer is HostClaimer {
  return claimer.host !== undefined;
}

function lockHosts(tx: Queries, database: Database, claimers: readonly Claimer[]): Promise<HostRow[]> {
  const ids = claimers.map(({ runner }) => runner);
  let query = tx
    .selectFrom("runners")
    .select(["id", "boot", "revoked_at_ms", "draining", "drain_asked"])
    .where("id", "in", ids)
    .orderBy("id");
  if (database.engine === "postgres") query = query.forShare();
  return query.execute();
}

/** What a host holds: how many runs, and which keys of those that ask have brought one of them. */
interface Held {
  count: number;
  keys: readonly string[];
}

async function heldBy(tx: Queries, claimers: readonly HostClaimer[]): Promise<Map<number, Held>> {
  const values = (list: readonly unknown[]) => sql.join(list.map((one) => sql`${one}`));
  const { rows } = await sql<{ runner_id: number; key: string | null; held: number }>`
    select runner_id, key, count(*) as held from (
      select runner_id,
        case when claim_key in (${values(claimers.map(({ host }) => host.key))}) then claim_key end as key
      from runs
      where runner_id in (${values(claimers.map(({ runner }) => runner))})
        and status = 'running' and lease_expires_at_ms is not null
    ) as holding group by runner_id, key`.execute(tx);
  const held = new Map<number, Held>();
  for (const { runner_id, key, held: count } of rows) {
    const before = held.get(runner_id) ?? NOTHING;
    const keys = key === null ? before.keys : [...before.keys, key];
    held.set(runner_id, { count: before.count + count, keys });
  }
  return held;
}

function takesWork(row: HostRow | undefined, boot: string): boolean {
  if (row === undefined || row.boot !== boot || row.revoked_at_ms !== null) return false;
  return row.draining !== 1 && row.drain_asked !== 1;
}
