import { ensureAgentNetwork } from "@windshift/testing/agent-network.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { z } from "zod";
import { RunWatchers } from "../replicas/run-watchers.ts";
import { findViolations } from "./checker.ts";
import { ledgerProblems, readLedger } from "./ledger.ts";
import { endHost, type FaultKind, makeFault } from "./nemesis.ts";
import { type FaultRecord, readCalls, takeRecord } from "./record.ts";
import { Seeded } from "./seeded.ts";
import { HERE, openStage, type Stage } from "./stage.ts";

export interface EpisodeOptions {
  seed: number;
  /** Work items that are assigned. */
  runs: number;
  env: Record<string, string | undefined>;
  /** In real containers, of this image. */
  image?: string | undefined;
  log(line: string): void;
}

export interface EpisodeEnd {
  violations: string[];
  /** Runs by how they ended, such as `succeeded completed`. */
  endings: Record<string, number>;
  /** What the runs that failed say. */
  failures: string[];
  attempts: number;
  faults: number;
  /** Where everything lies, when it was kept. */
  keptIn: string | undefined;
}

const CAPACITY = 3;
const POOL_MAX = 5;
/** Pause between two assignments at most, and between two faults, ms. */
const ASSIGN_PAUSE_MS_MAX = 1_500;
const FAULT_PAUSE_MS_MAX = 1_200;
/** Of the runs so many are canceled, one in so many. */
const CANCELED_ONE_IN = 8;
/** When faults are over, all runs end within this, ms: three attempts, each with its lease. */
const END_MS_MAX = 180_000;
/** I10: hosts are clean soon after the last run has ended, ms. */
const CLEAN_MS_MAX = 20_000;
/** Calls are written down soon after their end, ms: a database that was cut off is asked again each second. */
const LEDGER_MS_MAX = 20_000;
/** Who watches hears of the end within this, ms; they come back all the time when the server is away. */
const WATCH_MS_MAX = 30_000;
const DRAIN_MS_MAX = 10_000;
const LIVE = "status not in ('succeeded', 'failed', 'canceled', 'killed')";

/** One episode: a fresh installation, work for it, faults that the seed draws, and the look at what came of it. */
export async function runEpisode(options: EpisodeOptions): Promise<EpisodeEnd> {
  const { seed, runs, env, image, log } = options;
  const seeded = new Seeded(seed);
  const thinkMs = Array.from({ length: 4 }, () => seeded.between(50, 1_500));
  const caps = { capacity: CAPACITY, poolMax: POOL_MAX };
  const stage = await openStage({ env, ...caps, thinkMs, ...(await placesOf(image)) });
  const watchers = new RunWatchers(stage.api);
  let keep = true;
  try {
    await registerHosts(stage, seeded);
    const assigned: string[] = [];
    const onAssigned = async (key: string) => {
      assigned.push(key);
      const run = await stage.journal.findRun(key);
      if (run !== undefined) watchers.watch(run);
    };
    const work = assignAll(stage, new Seeded(seed + 1), runs, onAssigned);
    const kinds = [
      makeFaults("processes", stage, new Seeded(seed + 2), work, log),
      makeFaults("links", stage, new Seeded(seed + 3), work, log),
    ];
    const [ofProcesses = 0, ofLinks = 0] = await Promise.all([...kinds, work.then(() => 0)]);
    const faults = ofProcesses + ofLinks;
    const problems = [...(await settle(stage)), ...(await watchers.missed(WATCH_MS_MAX))];
    const record = await takeRecord(stage, assigned, await leftovers(stage));
    const violations = [...problems, ...findViolations(record)];
    keep = violations.length > 0;
    if (keep) await Bun.write(`${stage.dataDir}/record.json`, JSON.stringify(record, null, 1));
    const attempts = record.runs.reduce((sum, { attempt }) => sum + attempt, 0);
    const keptIn = keep ? stage.dataDir : undefined;
    const failures = record.runs.flatMap(({ id, status, detail }) =>
      status === "failed" ? [`run ${id}: ${detail?.replace(/\s+/g, " ")}`] : [],
    );
    return { violations, endings: endingsOf(record), failures, attempts, faults, keptIn };
  } finally {
    watchers.stop();
    await stage.close(keep);
  }
}

/** Two hosts; containers reach the links at this machine's address on their network. */
async function placesOf(image: string | undefined) {
  if (image === undefined) return { hosts: [HERE, HERE] };
  const { name: network, hostAddress } = await ensureAgentNetwork("windshift-e2e", process.env);
  const place = { ...HERE, address: hostAddress };
  return { hosts: [place, place], containers: { image, network } };
}

/** Half of them lose the answer to their registration. */
async function registerHosts(stage: Stage, seeded: Seeded): Promise<void> {
  for (const { link } of stage.hosts) if (seeded.next() < 0.5) link.plan("register", "lose");
  await Promise.all(stage.hosts.map((host) => host.register()));
}

/** Assigns items one after the other and cancels some runs. What the server did not answer counts for nothing. */
async function assignAll(
  stage: Stage,
  seeded: Seeded,
  count: number,
  onAssigned: (key: string) => Promise<void>,
): Promise<void> {
  const { workspace, api, journal } = stage;
  let answered = 0;
  for (let tries = 0; answered < count && tries < count * 10; tries++) {
    const item = { title: `Item ${tries}`, description: "Anything." };
    const made = await workspace.createItem(item, true).catch(() => undefined);
    if (made !== undefined) {
      answered++;
      await onAssigned(made.key);
    }
    if (seeded.next() < 1 / CANCELED_ONE_IN) {
      const live = await journal.query(`select id from runs where ${LIVE} order by id`, z.object({ id: Id }));
      const force = seeded.next() < 0.5;
      if (live.length > 0)
        await api
          .post(`/api/v1/agent-runs/${seeded.pick(live).id}/cancel`, { force }, z.unknown())
          .catch(() => undefined);
    }
    await Bun.sleep(seeded.between(0, ASSIGN_PAUSE_MS_MAX));
  }
}

const Id = z.coerce.number();

async function makeFaults(
  kind: FaultKind,
  stage: Stage,
  seeded: Seeded,
  work: Promise<void>,
  log: (line: string) => void,
): Promise<number> {
  let assigning = true;
  void work.finally(() => {
    assigning = false;
  });
  let count = 0;
  // While there is work to come, and twice more over what is left.
  for (let after = 0; after < 2; after += assigning ? 0 : 1) {
    await Bun.sleep(seeded.between(100, FAULT_PAUSE_MS_MAX));
    const entry = (line: string) => {
      log(`  ${line}`);
      for (const host of stage.hosts) void host.note(line);
    };
    await makeFault(kind, stage, seeded, entry);
    count++;
  }
  return count;
}

/** Faults are over: everything ends, hosts are clean and drain. */
export async function settle(stage: Stage): Promise<string[]> {
  const { journal, hosts } = stage;
  for (const { link } of hosts) link.heal();
  const problems: string[] = [];
  const tell = (error: Error) => void problems.push(`I5 ${error.message}`);
  const live = () => journal.query(`select id from runs where ${LIVE}`, z.object({ id: Id }));
  await eventually("every run has ended", async () => (await live()).length === 0, END_MS_MAX).catch(tell);
  await eventually(
    "the hosts are clean",
    async () => (await leftovers(stage)).length === 0,
    CLEAN_MS_MAX,
  ).catch(tell);
  // A batch may be on its way; what is still not right then, the checker tells.
  const paid = async () => ledgerProblems(await readLedger(journal), readCalls(stage)).length === 0;
  await eventually("every call is written down", paid, LEDGER_MS_MAX).catch(() => {});
  await Promise.all(hosts.map((host) => endHost(host, DRAIN_MS_MAX, stage)));
  return problems;
}

/** What attempts left on any of the hosts, one sentence each (I10). */
export async function leftovers(stage: Stage): Promise<string[]> {
  return (await Promise.all(stage.hosts.map((host) => host.leftovers()))).flat();
}

/** How many runs ended in which way, by status and reason: `failed attempts_exhausted`. */
export function endingsOf({ runs }: FaultRecord): Record<string, number> {
  const endings: Record<string, number> = {};
  for (const { status, reason } of runs) {
    const name = `${status} ${reason}`;
    endings[name] = (endings[name] ?? 0) + 1;
  }
  return endings;
}
