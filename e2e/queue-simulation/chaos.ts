import { LEASE_MS } from "@windshift/contract/limits.ts";
import { interruptRevoked } from "../../apps/server/src/runs/run-sweep.ts";
import type { Seeded } from "../faults-harness/seeded.ts";
import { DEFAULTS } from "./simulated-server.ts";
import type { World } from "./world.ts";

/** Between two faults, ms. */
const PAUSE_MS_MAX = 60_000;
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** One kind of fault; it takes itself back. */
type Fault = (world: World, seeded: Seeded) => Promise<void>;

const killServer: Fault = async ({ servers, clock }, seeded) => {
  const server = seeded.pick(servers);
  if (server.upSinceMs === undefined) return;
  server.kill();
  await clock.sleep(SECOND_MS * seeded.pick([1, 5, 20, 200]));
  server.begin();
};

/** All at once, as when the database's machine is down. */
const killAllServers: Fault = async ({ servers, clock }, seeded) => {
  const down = servers.filter(({ upSinceMs }) => upSinceMs !== undefined);
  for (const server of down) server.kill();
  await clock.sleep(SECOND_MS * seeded.pick([1, 10, 60, 400]));
  for (const server of down) server.begin();
};

const killHost: Fault = async ({ hosts, clock }, seeded) => {
  const host = seeded.pick(hosts);
  if (!host.isUp || host.isRevoked) return;
  host.kill();
  await clock.sleep(SECOND_MS * seeded.pick([1, 20, 120, 600]));
  if (!host.isUp) host.start();
};

/** It never comes back; another takes its place. */
const loseHost: Fault = async (world, seeded) => {
  const host = seeded.pick(world.hosts);
  if (!host.isUp) return;
  host.kill();
  host.isRevoked = true;
  await world.clock.sleep(SECOND_MS * seeded.between(1, 300));
  (await world.addHost(host)).start();
};

/** Its program goes on, for a time that may be longer than its leases, as if nothing had been. */
const pauseHost: Fault = async ({ hosts, clock }, seeded) => {
  seeded.pick(hosts).pausedUntilMs = clock.nowMs + SECOND_MS * seeded.between(5, (3 * LEASE_MS) / SECOND_MS);
};

const cutHost: Fault = async ({ hosts, clock }, seeded) => {
  seeded.pick(hosts).isCutUntilMs = clock.nowMs + SECOND_MS * seeded.pick([5, 30, 120, 500]);
};

const cutAll: Fault = async ({ hosts, clock }, seeded) => {
  const untilMs = clock.nowMs + SECOND_MS * seeded.between(5, 200);
  for (const host of hosts) host.isCutUntilMs = untilMs;
};

const drainHost: Fault = async ({ hosts, clock }, seeded) => {
  const host = seeded.pick(hosts);
  if (!host.isUp) return;
  const { boot } = host;
  host.isDraining = true;
  const untilMs = clock.nowMs + 10 * MINUTE_MS;
  while (!host.isIdle && host.boot === boot && clock.nowMs < untilMs) await clock.sleep(SECOND_MS);
  if (host.boot === boot) host.start();
};

/** As revokeRunner does it: the row first, then what it held. */
const revokeHost: Fault = async (world, seeded) => {
  const host = seeded.pick(world.hosts);
  if (host.isRevoked) return;
  host.isRevoked = true;
  const { id } = host.parts.row;
  const revoke = world.network.send(
    () => false,
    (server) =>
      server.call(async (database) => {
        await database.transaction((tx) =>
          tx.updateTable("runners").set({ revoked_at_ms: world.clock.nowMs }).where("id", "=", id).execute(),
        );
        await interruptRevoked(database, DEFAULTS, id);
      }),
  );
  await revoke.catch(() => undefined);
  (await world.addHost(host)).start();
  await world.clock.sleep(MINUTE_MS);
  host.kill();
};

/** A copy of a host's disk is started beside it: two programs with one credential. */
const startTwice: Fault = async ({ hosts, clock }, seeded) => {
  const host = seeded.pick(hosts);
  if (!host.isUp || host.isRevoked) return;
  const { boot } = host;
  host.start();
  await clock.sleep(SECOND_MS);
  if (host.boot === "") host.boot = boot;
};

const FAULTS: readonly [name: string, fault: Fault][] = [
  ["server killed", killServer],
  ["server killed", killServer],
  ["all servers killed", killAllServers],
  ["host killed", killHost],
  ["host killed", killHost],
  ["host lost for good", loseHost],
  ["host stopped for a while", pauseHost],
  ["host stopped for a while", pauseHost],
  ["host cut off", cutHost],
  ["host cut off", cutHost],
  ["all hosts cut off", cutAll],
  ["host drained", drainHost],
  ["host revoked", revokeHost],
  ["host started twice", startTwice],
];

/** Makes faults, several at a time, until all was asked for. */
export async function makeChaos(world: World, seeded: Seeded): Promise<void> {
  while (!world.isOver) {
    await world.clock.sleep(10 * seeded.between(1, PAUSE_MS_MAX / 10));
    const [name, fault] = seeded.pick(FAULTS);
    world.faults[name] = (world.faults[name] ?? 0) + 1;
    void fault(world, seeded);
  }
}
