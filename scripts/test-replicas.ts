import { parseArgs } from "node:util";
import { z } from "zod";
import {
  type Act,
  crashDatabase,
  failOver,
  fillDatabaseDisk,
  rollingRestart,
  slowDatabase,
  terminateBackends,
} from "../e2e/replicas/acts.ts";
import { runReplicaEpisode } from "../e2e/replicas/replica-episode.ts";
import { openReplicaStage } from "../e2e/replicas/replica-stage.ts";
import { answersUnderRestarts } from "../e2e/replicas/restart-answers.ts";
import { measureWaits } from "../e2e/replicas/waits.ts";

const USAGE = `npm run test:replicas -- [--servers N] [--runs N] [--only NAME]

Several servers behind nginx on one PostgreSQL of their own, two runner hosts, work for them; and what happens to servers and database
meanwhile. Watchers look at every run all the time. What others recorded is then held to the invariants.
First of all the listener alone is ended and started again behind nginx, under callers without a pause: each must be answered 200.
  --servers  default 3
  --runs     of each episode, and restarts of the listener. Default 20
  --only     one of: answers, waits, rolling, crash, terminate, failover, slow, disk (for root)
Prints what was done and counted. Exits 1 when an invariant was broken; the data of its episode is kept.`;

/** Answers of a database at the other end of a bad line, ms, and for how long, ms: several leases. */
const SLOW_MS = 500;
const SLOW_FOR_MS = 20_000;
const HOSTS = 2;
const CAPACITY = 3;
/** What the model waits, turn by turn, ms: runs are at work for some seconds. */
const THINK_MS = [500, 800, 800, 500];

/** Only root can make a disk that is full soon: left out for others unless it is asked for. */
const DISK = "disk";
/** A fresh database has 40 MB, and its log some segments of 16. */
const DISK_MB = 256;

const EPISODES: Record<string, Act> = {
  waits: measureWaits,
  rolling: rollingRestart,
  crash: crashDatabase,
  terminate: terminateBackends,
  failover: failOver,
  slow: slowDatabase(SLOW_MS, SLOW_FOR_MS),
  [DISK]: fillDatabaseDisk,
};

const ANSWERS = "answers";

const whole = z
  .string()
  .regex(/^\d{1,4}$/, "write a whole number")
  .transform(Number);
const Wanted = z.strictObject({
  servers: whole.pipe(z.number().min(2).max(8)).default(3),
  runs: whole.pipe(z.number().min(1)).default(20),
  only: z.enum([ANSWERS, ...Object.keys(EPISODES)]).optional(),
});

const option = { type: "string" } as const;
const given = parseArgs({ options: { servers: option, runs: option, only: option } });
const wanted = Wanted.safeParse({ ...given.values });
if (wanted.success) process.exitCode = await testReplicas(wanted.data);
else {
  process.stderr.write(`${z.prettifyError(wanted.error)}\n\n${USAGE}\n`);
  process.exitCode = 2;
}
// Sockets of what was ended may still be open.
process.exit();

async function testReplicas({ servers, runs, only }: z.infer<typeof Wanted>): Promise<number> {
  let violations = only === undefined || only === ANSWERS ? await restartListeners(runs) : 0;
  for (const [name, act] of Object.entries(EPISODES)) {
    if (only !== undefined ? only !== name : name === DISK && process.getuid?.() !== 0) continue;
    say(`${name}: ${runs} runs, ${servers} servers, ${HOSTS} hosts`);
    const startedMs = performance.now();
    const databaseDiskMb = name === DISK ? DISK_MB : undefined;
    const sizes = { servers, hosts: HOSTS, capacity: CAPACITY };
    const rig = await openReplicaStage({ ...sizes, thinkMs: THINK_MS, databaseDiskMb });
    let kept = true;
    try {
      const end = await runReplicaEpisode(rig, { runs, act, log: (line) => say(`  ${line}`) });
      const { violations: found, ...counts } = end;
      say(`  ${Math.round((performance.now() - startedMs) / 1_000)} s ${JSON.stringify(counts)}`);
      for (const violation of found) say(`  VIOLATION ${violation}`);
      violations += found.length;
      kept = found.length > 0;
      if (kept) say(`  kept in ${rig.stage.dataDir}`);
    } finally {
      await rig.close(kept);
    }
  }
  say(`${violations} violations`);
  return violations === 0 ? 0 : 1;
}

/** @returns how many requests were not answered 200 */
async function restartListeners(restarts: number): Promise<number> {
  say(`${ANSWERS}: ${restarts} restarts`);
  const { 200: answered = 0, ...wrong } = await answersUnderRestarts(restarts, (line) => say(`  ${line}`));
  say(`  ${answered} requests were answered 200, others: ${JSON.stringify(wrong)}`);
  return Object.values(wrong).reduce((sum, count) => sum + count, 0);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
