import type { Target } from "./exchange.ts";
import type { Host } from "./host.ts";
import type { Seeded } from "./seeded.ts";
import type { Stage } from "./stage.ts";
import { SHORT_TIMES } from "./time-limits.ts";

const LEASE_MS = SHORT_TIMES.LEASE_MS;
/** How long a drain may take before the second signal, ms; two signals at once would be one. */
const DRAIN_MS_LEAST = 500;
const DRAIN_MS_MAX = 4_000;
/** How long a runner may take to end after it, ms. */
const END_MS_MAX = 20_000;
const DELAY_MS_MAX = 400;
const FLAP_MS = 900;
/** How far clocks are off, ms: a host's at its start, the server's while it runs. */
const HOST_CLOCK_MS_MAX = 3_600_000;
const SERVER_CLOCK_MS_MAX = 600_000;
const TARGETS: readonly Target[] = ["claim", "heartbeat", "events", "result"];

/** One kind of fault: makes it, lets it last, and takes it back. */
type Fault = (stage: Stage, seeded: Seeded, log: (line: string) => void) => Promise<void>;

const killServer: Fault = async (stage, seeded, log) => {
  const downMs = seeded.between(0, LEASE_MS);
  log(`kill -9 of the server, back after ${downMs} ms`);
  await stage.killServer();
  await Bun.sleep(downMs);
  await stage.startServer();
};

const killRunner: Fault = async (stage, seeded, log) => {
  const host = seeded.pick(stage.hosts);
  const downMs = seeded.between(0, 1.5 * LEASE_MS);
  const offMs = seeded.pick([0, -HOST_CLOCK_MS_MAX, HOST_CLOCK_MS_MAX]);
  log(`kill -9 of ${host.name}, back after ${downMs} ms with its clock off by ${offMs} ms`);
  await host.kill();
  await Bun.sleep(downMs);
  host.start({ FAULTS_CLOCK_OFFSET_MS: String(offMs) });
};

const pauseServer: Fault = async (stage, seeded, log) => {
  const ms = seeded.between(300, 2 * LEASE_MS);
  log(`SIGSTOP of the server for ${ms} ms`);
  process.kill(stage.server.pid, "SIGSTOP");
  await Bun.sleep(ms);
  process.kill(stage.server.pid, "SIGCONT");
};

const stepClock: Fault = async (stage, seeded, log) => {
  const offMs = seeded.pick([-SERVER_CLOCK_MS_MAX, SERVER_CLOCK_MS_MAX]);
  log(`the server's clock steps by ${offMs} ms`);
  await stage.stepClock(offMs);
  await Bun.sleep(LEASE_MS / 2);
  await stage.stepClock(0);
};

const pauseRunner: Fault = async (stage, seeded, log) => {
  const host = seeded.pick(stage.hosts);
  log(`SIGSTOP of ${host.name} for twice a lease`);
  host.stop();
  await Bun.sleep(2 * LEASE_MS);
  host.resume();
};

const partition: Fault = async (stage, seeded, log) => {
  const host = seeded.pick(stage.hosts);
  const ms = seeded.between(300, 2.5 * LEASE_MS);
  const way = seeded.pick(["cut", "both", "up", "down"] as const);
  log(`partition of ${host.name} (${way}) for ${ms} ms`);
  if (way === "cut") host.link.cut();
  else host.link.hold({ up: way !== "down", down: way !== "up" });
  await Bun.sleep(ms);
  host.link.heal();
};

const partitionAll: Fault = async (stage, seeded, log) => {
  const ms = seeded.between(300, 1.5 * LEASE_MS);
  log(`partition of all hosts for ${ms} ms`);
  for (const { link } of stage.hosts) link.cut();
  await Bun.sleep(ms);
  for (const { link } of stage.hosts) link.heal();
};

const flap: Fault = async (stage, seeded, log) => {
  const host = seeded.pick(stage.hosts);
  const times = seeded.between(2, 5);
  log(`the link of ${host.name} breaks ${times} times`);
  for (let i = 0; i < times; i++) {
    if (seeded.next() < 0.5) host.link.cut();
    else host.link.hold({ up: true, down: true });
    await Bun.sleep(FLAP_MS);
    host.link.heal();
    await Bun.sleep(FLAP_MS);
  }
};

const slow: Fault = async (stage, seeded, log) => {
  const host = seeded.pick(stage.hosts);
  const ms = seeded.between(50, DELAY_MS_MAX);
  log(`${ms} ms each way for ${host.name}`);
  host.link.delay(ms);
  await Bun.sleep(LEASE_MS);
  host.link.heal();
};

const meddle: Fault = async (stage, seeded, log) => {
  const host = seeded.pick(stage.hosts);
  const planned = Array.from({ length: seeded.between(1, 3) }, () => ({
    target: seeded.pick(TARGETS),
    mischief: seeded.pick(["lose", "repeat"] as const),
  }));
  log(`${host.name}: ${planned.map(({ target, mischief }) => `${mischief} ${target}`).join(", ")}`);
  for (const { target, mischief } of planned) host.link.plan(target, mischief);
  await Bun.sleep(1_000);
};

const drain: Fault = async (stage, seeded, log) => {
  const host = seeded.pick(stage.hosts);
  log(`SIGTERM of ${host.name}, then a start`);
  await endHost(host, seeded.between(DRAIN_MS_LEAST, DRAIN_MS_MAX), stage);
  host.start();
};

const terminateBackends: Fault = async (stage, seeded, log) => {
  const times = seeded.between(1, 3);
  log(`every connection to the database is terminated, ${times} times`);
  for (let i = 0; i < times; i++) {
    await stage.journal.terminateBackends();
    await Bun.sleep(seeded.between(50, 500));
  }
};

/** What befalls processes and what befalls links: one of each kind at a time, so that two never start one host twice. */
const OF_PROCESSES: readonly Fault[] = [
  killServer,
  killRunner,
  killRunner,
  pauseRunner,
  drain,
  pauseServer,
  stepClock,
];
const OF_LINKS: readonly Fault[] = [partition, partition, partitionAll, flap, slow, meddle, meddle, meddle];
export type FaultKind = "processes" | "links";

/** Makes one fault of the kind that the seed chooses, and takes it back. */
export async function makeFault(
  kind: FaultKind,
  stage: Stage,
  seeded: Seeded,
  log: (line: string) => void,
): Promise<void> {
  const cuts = stage.journal.engine === "postgres" ? [terminateBackends, terminateBackends] : [];
  await seeded.pick(kind === "links" ? OF_LINKS : [...OF_PROCESSES, ...cuts])(stage, seeded, log);
}

/** Drains a host, and ends it with a second signal when that takes longer. One that does not end then is a death of its own kind. */
export async function endHost(host: Host, drainMs: number, stage: Stage): Promise<void> {
  host.terminate();
  if ((await host.exitedWithin(drainMs)) !== undefined) return;
  host.terminate();
  if ((await host.exitedWithin(END_MS_MAX)) !== undefined) return;
  stage.deaths.push(`${host.name} did not end within ${END_MS_MAX} ms of the second SIGTERM`);
  await host.kill();
}
