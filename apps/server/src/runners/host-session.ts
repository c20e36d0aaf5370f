import { AppError } from "@windshift/contract/app-error.ts";
import type { BootId, HostState } from "@windshift/contract/runner.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import type { RunDefaults } from "../runs/run-create.ts";
import { type Interrupted, interruptHeldBy } from "../runs/run-sweep.ts";
import { raiseAlert } from "./runner-alert.ts";
import { type Host, notWelcome } from "./runner-credential.ts";

/** Starts of one runner that are remembered; an older one is long gone. */
const BOOTS_KEPT_MAX = 100;

/**
 * A host that was heard of so shortly before, ms, and says the same of itself, is not written down again: a host counts as silent after
 * a lease, so a few seconds are no news, and what is written is waited for until it is on the disk.
 */
const HEARD_MS = 5_000;

/** Hosts of one statement. */
const HOSTS_AT_ONCE = 1_000;

const TWO_HOSTS =
  "An earlier start of this runner is still at work, or its credential is used on two hosts. The newer one is served, the older refused.";
const SUPERSEDED =
  "another start of this runner has taken its place. If it was not restarted, its credential is used on two hosts: give each host a registration token of its own";

/**
 * Notes that a host is there, and what it says of itself. A start that was never heard of takes the place of the one before, whose
 * attempts end at once: their process is gone.
 * @returns the attempts that were ended
 * @throws AppError `superseded` for a start whose place was taken
 */
export async function enterSession(
  database: Database,
  defaults: RunDefaults,
  host: Host,
  state: HostState,
): Promise<Interrupted[]> {
  // One statement for the thousand hosts that only come again.
  if (await touch(database, database.leases, host, state, state.boot, HEARD_MS)) return [];
  // Two, and none that writes, for one that comes again at once.
  if ((await findBoot(database.leases, host)) === state.boot) return [];
  const entered = await database.transaction(async (tx) => {
    const known = await lockBoot(database, tx, host);
    if (known === state.boot) return "again"; // by another request of the same moment
    if (await wasSeen(tx, host, state.boot)) {
      await raiseAlert(tx, host, "runner.superseded", TWO_HOSTS);
      return "superseded";
    }
    await remember(database, tx, host, state.boot);
    await touch(database, tx, host, state, known ?? "");
    return "new";
  });
  if (entered === "superseded") throw new AppError("superseded", SUPERSEDED);
  if (entered === "new") await database.signals.notify(`runner:${host.id}`);
  return entered === "new" ? interruptHeldBy(database, defaults, host.id, state.boot) : [];
}

/**
 * For a request that waits: looks again whether it is still welcome.
 * @throws AppError `superseded` unless it is the start that speaks for the runner now, `unauthenticated` when that was revoked
 */
export async function requireCurrent(database: Database, host: Host, boot: string): Promise<void> {
  const row = await database.kysely
    .selectFrom("runners")
    .select(["boot", "revoked_at_ms"])
    .where("id", "=", host.id)
    .executeTakeFirst();
  if (row === undefined || row.revoked_at_ms !== null) throw notWelcome();
  if (row.boot !== boot) throw new AppError("superseded", SUPERSEDED);
}

/** Of hosts that wait, those that are not welcome any more: they were revoked, or another start took their place. */
export async function findUnwelcome<T extends { from: Host; host: { boot: string } }>(
  database: Database,
  waiting: readonly T[],
): Promise<T[]> {
  const unwelcome: T[] = [];
  for (let at = 0; at < waiting.length; at += HOSTS_AT_ONCE) {
    const some = waiting.slice(at, at + HOSTS_AT_ONCE);
    const ids = some.map(({ from }) => from.id);
    const rows = await database.kysely
      .selectFrom("runners")
      .select(["id", "boot"])
      .where("id", "in", ids)
      .where("revoked_at_ms", "is", null)
      .execute();
    const boots = new Map(rows.map(({ id, boot }) => [id, boot]));
    unwelcome.push(...some.filter(({ from, host }) => boots.get(from.id) !== host.boot));
  }
  return unwelcome;
}

async function lockBoot(database: Database, tx: Queries, host: Host): Promise<string | undefined> {
  let query = tx.selectFrom("runners").select("boot").where("id", "=", host.id);
  if (database.engine === "postgres") query = query.forNoKeyUpdate();
  return (await query.executeTakeFirst())?.boot;
}

async function wasSeen(tx: Queries, host: Host, boot: BootId): Promise<boolean> {
  const row = await tx
    .selectFrom("runner_boots")
    .select("boot")
    .where("runner_id", "=", host.id)
    .where("boot", "=", boot)
    .executeTakeFirst();
  return row !== undefined;
}

async function remember(database: Database, tx: Queries, host: Host, boot: BootId): Promise<void> {
  const seen = dbNowMs(database.engine);
  await tx.insertInto("runner_boots").values({ runner_id: host.id, boot, first_seen_at_ms: seen }).execute();
  const kept = tx
    .selectFrom("runner_boots")
    .select("boot")
    .where("runner_id", "=", host.id)
    .orderBy("first_seen_at_ms", "desc")
    .limit(BOOTS_KEPT_MAX);
  await tx
    .deleteFrom("runner_boots")
    .where("runner_id", "=", host.id)
    .where("boot", "!=", boot)
    .where("boot", "not in", kept)
    .execute();
}

/**
 * @param heardMs nothing is changed either when the host said the same of itself no longer ago
 * @returns whether the runner's start is the one that was expected; else nothing is changed
 */
async function touch(
  database: Database,
  db: Queries,
  host: Host,
  state: HostState,
  expected: string,
  heardMs?: number,
): Promise<boolean> {
  const now = dbNowMs(database.engine);
  const said = {
    labels: JSON.stringify(state.labels),
    capacity: state.capacity,
    version: state.version,
    draining: state.draining ? 1 : 0,
    ...(state.name === undefined ? {} : { name: state.name }),
  };
  let query = db
    .updateTable("runners")
    .set({ boot: state.boot, ...said, last_seen_at_ms: now })
    .where("id", "=", host.id)
    .where("boot", "=", expected);
  if (heardMs !== undefined)
    query = query.where((eb) =>
      eb.or([
        eb("last_seen_at_ms", "<", eb(now, "-", heardMs)),
        // The database's clock was set back since.
        eb("last_seen_at_ms", ">", now),
        eb("labels", "!=", said.labels),
        eb("capacity", "!=", said.capacity),
        eb("version", "!=", said.version),
        eb("draining", "!=", said.draining),
        ...(said.name === undefined ? [] : [eb("name", "!=", said.name)]),
      ]),
    );
  return (await query.returning("id").executeTakeFirst()) !== undefined;
}

async function findBoot(db: Queries, host: Host): Promise<string | undefined> {
  const row = await db.selectFrom("runners").select("boot").where("id", "=", host.id).executeTakeFirst();
  return row?.boot;
}

/** A start whose place was taken is still there: told to administrators, once. */
export function noteSuperseded(database: Database, host: Host): Promise<void> {
  return database.transaction((tx) => raiseAlert(tx, host, "runner.superseded", TWO_HOSTS));
}
