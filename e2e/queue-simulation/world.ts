import { type PoolId, RunnerId } from "@windshift/contract/ids.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { LEASE_MS, SWEEP_INTERVAL_MS } from "@windshift/contract/limits.ts";
import { fillDatabase } from "../../apps/server/src/testing/run-fixture.ts";
import { Seeded } from "../faults-harness/seeded.ts";
import { Auditor } from "./auditor.ts";
import { makeChaos } from "./chaos.ts";
import { Network } from "./network.ts";
import { assignAll, cancelSome } from "./people.ts";
import { SimulatedDatabase } from "./simulated-database.ts";
import { SimulatedForge } from "./simulated-forge.ts";
import { SimulatedHost } from "./simulated-host.ts";
import { SimulatedServer } from "./simulated-server.ts";
import { TokenWatch } from "./token-watch.ts";
import { VirtualClock } from "./virtual-clock.ts";

export interface WorldOptions {
  seed: number;
  /** Runs that are asked for. */
  runs: number;
}

export interface WorldEnd {
  seed: number;
  violations: string[];
  runs: number;
  attempts: number;
  effects: number;
  endings: Record<string, number>;
  faults: Record<string, number>;
  requests: number;
  tokensTried: number;
  virtualHours: number;
  /** Of all that happened, in its order: the same for the same seed. */
  digest: string;
  /** Statements that read all runs there ever were. */
  fullReads: string[];
}

/** All that takes part in one world. */
export interface World {
  clock: VirtualClock;
  storage: SimulatedDatabase;
  auditor: Auditor;
  servers: SimulatedServer[];
  hosts: SimulatedHost[];
  network: Network;
  workspaces: number[];
  agent: string;
  person: string;
  createItem(workspace: number): Promise<number>;
  /** Another host in the pool of that one, as an administrator adds it. */
  addHost(like?: SimulatedHost): Promise<SimulatedHost>;
  /** Everything was asked for; faults end. */
  isOver: boolean;
  faults: Record<string, number>;
  assigned: number[];
}

const START_MS = Date.UTC(2026, 0, 5);
/** When nothing new is asked for and no fault is made, all runs end within this: three attempts of what is queued. */
const END_MS_MAX = 6 * 3_600_000;
const HOUR_MS = 3_600_000;
/** A lapsed lease is seen by a server that is up for a lease within two looks. */
const LAPSED_MS_MAX = 2 * SWEEP_INTERVAL_MS;
const LOOK_MS = 20_000;

/** One installation from its first run to its last, under faults that the seed draws. */
export async function runWorld({ seed, runs }: WorldOptions): Promise<WorldEnd> {
  const seeded = new Seeded(seed);
  const digest = new Bun.CryptoHasher("sha256");
  const world = await openWorld(seed, seeded);
  const { clock, storage, auditor, servers, hosts, network } = world;
  const tokens = new TokenWatch(storage, auditor, new Seeded(seed + 5));
  watchJobs(world, (job) => tokens.add(job));
  for (const host of hosts) host.start();
  const people = assignAll(world, new Seeded(seed + 1), runs);
  void cancelSome(world, new Seeded(seed + 2));
  void makeChaos(world, new Seeded(seed + 3));
  let isAsked = false;
  void people.then(() => {
    isAsked = true;
  });
  let overAtMs = Number.POSITIVE_INFINITY;
  let lookAtMs = 0;
  while (await clock.step((nowMs) => storage.setNow(nowMs))) {
    const entries = storage.take();
    if (entries.length > 0) digest.update(JSON.stringify(entries));
    auditor.follow(entries);
    if (clock.nowMs >= lookAtMs) {
      lookAtMs = clock.nowMs + LOOK_MS;
      lookForStuck(world);
      await tokens.look();
      if (isAsked && !world.isOver) {
        world.isOver = true;
        overAtMs = clock.nowMs;
      }
      if (world.isOver && auditor.openCount === 0) break;
      if (clock.nowMs > overAtMs + END_MS_MAX) break;
    }
    if (auditor.violations.length > 0) break;
  }
  for (const { run, status } of auditor.open().slice(0, 5))
    if (auditor.violations.length === 0) auditor.tell(`I1 run ${run} is ${status} when all is over`);
  for (const run of world.assigned)
    if (auditor.find(run) === undefined) auditor.tell(`I1 run ${run} was answered and is not there`);
  for (const host of hosts) host.kill();
  for (const server of servers) server.kill();
  const end: WorldEnd = {
    seed,
    violations: auditor.violations,
    runs: auditor.size,
    attempts: auditor.counts.claims,
    effects: auditor.counts.effects,
    endings: auditor.counts.endings,
    faults: { ...world.faults, ...network.stats, interrupted: auditor.counts.interrupted },
    requests: network.stats.requests,
    tokensTried: tokens.tried,
    virtualHours: Math.round((clock.nowMs - START_MS) / HOUR_MS),
    digest: digest.digest("hex").slice(0, 16),
    fullReads: storage.scansOf("runs"),
  };
  await storage.close();
  return end;
}

async function openWorld(seed: number, seeded: Seeded): Promise<World> {
  const clock = new VirtualClock(START_MS);
  const storage = await SimulatedDatabase.open(clock.nowMs);
  const plain = storage.as(async () => {});
  const filled = await fillDatabase(plain, seeded.between(3, 20));
  const pools = await makePools(storage, seeded);
  for (const workspace of filled.workspaces)
    await storage.kysely
      .updateTable("bindings")
      .set({ pool_id: seeded.pick(pools).id, labels: seeded.next() < 0.15 ? '["gpu"]' : "[]" })
      .where("workspace_id", "=", workspace)
      .execute();
  const runners = new Map<number, number>();
  const auditor = new Auditor({
    pools: new Map(pools.map(({ id, cap }) => [id, cap])),
    runners,
    plainPools: new Set(await findPlainPools(storage, pools)),
  });
  const forge = new SimulatedForge(new Seeded(seed + 4));
  const parts = { clock, storage, forge, seeded, tell: (violation: string) => auditor.tell(violation) };
  const servers = Array.from({ length: seeded.between(1, 3) }, () => new SimulatedServer(parts));
  const plan = { loses: seeded.next() * 0.03, repeats: seeded.next() * 0.05, delays: seeded.next() * 0.02 };
  const network = new Network(clock, servers, seeded, plan);
  const workMsMax = seeded.pick([10_000, 60_000, 240_000]);
  const hosts: SimulatedHost[] = [];
  const addHost = async (like?: SimulatedHost) => {
    const pool = like?.parts.row.pool ?? seeded.pick(pools).id;
    const capacity = seeded.between(1, 8);
    // One that takes another's place does what that one did: else no host may be left for runs that wait for its label.
    const labels = like?.parts.labels ?? (hosts.length % 2 === 0 ? ["gpu"] : []);
    const row = await insertHost(storage, pool, hosts.length);
    runners.set(row.id, capacity);
    const host = new SimulatedHost({
      clock,
      network,
      forge,
      seeded,
      row,
      capacity,
      labels,
      workMsMax,
      onJob: () => {},
    });
    hosts.push(host);
    return host;
  };
  const world: World = {
    clock,
    storage,
    auditor,
    servers,
    hosts,
    network,
    workspaces: filled.workspaces,
    agent: filled.agent,
    person: filled.person,
    createItem: filled.createItem,
    addHost,
    isOver: false,
    faults: {},
    assigned: [],
  };
  for (const { id } of pools)
    for (let left = seeded.between(2, 10); left > 0; left--) {
      const host = await addHost();
      host.parts.row.pool = id;
      await storage.kysely
        .updateTable("runners")
        .set({ pool_id: id })
        .where("id", "=", host.parts.row.id)
        .execute();
    }
  return world;
}

function watchJobs(world: World, onJob: (job: JobSpec) => void): void {
  const watch = (host: SimulatedHost) => {
    host.parts.onJob = onJob;
  };
  world.hosts.forEach(watch);
  const { addHost } = world;
  world.addHost = async (like) => {
    const host = await addHost(like);
    watch(host);
    return host;
  };
}

async function makePools(storage: SimulatedDatabase, seeded: Seeded): Promise<{ id: PoolId; cap: number }[]> {
  const pools: { id: PoolId; cap: number }[] = [];
  for (let n = seeded.between(1, 3); n > 0; n--) {
    const cap = seeded.between(3, 60);
    const { id } = await storage.kysely
      .insertInto("pools")
      .values({ name: `pool-${n}`, max_running: cap, created_at_ms: START_MS })
      .returning("id")
      .executeTakeFirstOrThrow();
    pools.push({ id: id as PoolId, cap });
  }
  return pools;
}

/** Where no binding asks for labels. */
async function findPlainPools(
  storage: SimulatedDatabase,
  pools: readonly { id: number }[],
): Promise<number[]> {
  const rows = await storage.kysely.selectFrom("bindings").select(["pool_id", "labels"]).execute();
  return pools
    .map(({ id }) => id)
    .filter((id) => rows.every((row) => row.pool_id !== id || row.labels === "[]"));
}

async function insertHost(storage: SimulatedDatabase, pool: PoolId, number: number) {
  const named = { pool_id: pool, name: `host-${number}`, kind: "host", instance: `host-${number}` };
  const { id } = await storage.kysely
    .insertInto("runners")
    .values({ ...named, boot: "", last_seen_at_ms: 0 })
    .returning("id")
    .executeTakeFirstOrThrow();
  return { id: RunnerId.parse(id), pool, name: named.name, instance: named.instance };
}

/** I5: what lapsed while a server was there to see it has been seen to. */
function lookForStuck({ clock, storage, servers, auditor }: World): void {
  const watchedMs = Math.max(0, ...servers.map(({ upSinceMs }) => clock.nowMs - (upSinceMs ?? clock.nowMs)));
  if (watchedMs < LEASE_MS + 2 * LAPSED_MS_MAX) return;
  for (const { id, lease_expires_at_ms: atMs } of storage.lapsedBefore(clock.nowMs - LAPSED_MS_MAX))
    auditor.tell(`I5 run ${id}: its lease lapsed ${clock.nowMs - atMs} ms ago and nobody has seen it`);
}
