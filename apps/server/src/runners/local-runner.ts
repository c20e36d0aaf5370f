import { randomUUID } from "node:crypto";
import { mkdir, readdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { systemClock } from "@windshift/base/clock.ts";
import { orLate } from "@windshift/base/deadline.ts";
import type { Tracing } from "@windshift/base/tracing.ts";
import type { PoolId, RunnerId } from "@windshift/contract/ids.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { HEARTBEAT_INTERVAL_MS } from "@windshift/contract/limits.ts";
import { CloneCache, keepCloneCache } from "@windshift/execution/clone-cache.ts";
import type { ControlPlane } from "@windshift/execution/control-plane.ts";
import { AGENT_GID, AGENT_UID } from "@windshift/execution/docker-argv.ts";
import { HurriedLooks } from "@windshift/execution/hurried-looks.ts";
import { runJob } from "@windshift/execution/job.ts";
import type { JobLog } from "@windshift/execution/job-log.ts";
import { PatientCheckout } from "@windshift/execution/patient-checkout.ts";
import { runnerLoop } from "@windshift/execution/runner-loop.ts";
import type { Sandbox } from "@windshift/execution/sandbox.ts";
import { INSTANCE_LABEL } from "@windshift/execution/sandbox-labels.ts";
import { tracedDeps } from "@windshift/execution/traced-job.ts";
import { TriageCheckout } from "@windshift/execution/triage-checkout.ts";
import type { Database } from "../db/database.ts";
import { ensureLocalPool } from "../pools/pool-store.ts";
import type { RunDefaults } from "../runs/run-create.ts";
import { interruptHeldBy } from "../runs/run-sweep.ts";
import { readInstance } from "./instance.ts";
import { registerRunner, retireRunner, touchRunner } from "./runner-store.ts";

export interface LocalRunnerOptions {
  database: Database;
  defaults: RunDefaults;
  controlPlane: ControlPlane;
  /** The next run of the pool, waiting for one until `signal` aborts; then null. */
  claim(pool: PoolId, runner: RunnerId, signal: AbortSignal): Promise<JobSpec | null>;
  sandbox: Sandbox;
  /** Agent image. */
  image: string;
  /** Images a binding may ask for instead. */
  allowedImages: readonly string[];
  network: string;
  worktreeRoot: string;
  dataDir: string;
  triage: readonly string[];
  /** Environment of triage: the PATH on which it finds git. */
  path: string;
  /** Runs at once. */
  workers: number;
  /** Bounds of the bare clones: bytes of all together, and ms that one is kept unused. */
  cacheBytesMax: number;
  cacheAgeMs: number;
  /** What one checkout may grow to, bytes. */
  workspaceBytesMax: number;
  /** Where the spans of jobs go; undefined when none are sent. */
  tracing: Tracing | undefined;
  log: JobLog;
  /** How long the runs in progress may take to end, ms. Default END_MS_MAX. */
  endMsMax?: number;
}

/** Time between "still here" of the runner, ms; a third of what counts as alive. */
const PRESENCE_INTERVAL_MS = HEARTBEAT_INTERVAL_MS;

/**
 * How long the runs in progress may take to end when the server does, ms, and the database to have them queued again. Containers take a
 * second or two; an engine that hangs takes minutes, and those who end a server give it one.
 */
const END_MS_MAX = 20_000;

/** The runner in the server's own process (Option A): the same code as a runner host, without HTTP in between. */
export interface LocalRunner {
  /**
   * Takes no more work and ends the runs in progress; they are queued again. Resolves when nothing runs any more, or when that took too
   * long: what an engine still has then is fenced, and removed by the next start.
   */
  stop(): Promise<void>;
}

/**
 * Starts claiming runs. First ends what an earlier process of this installation left behind: its attempts are requeued at
 * once, its containers removed.
 */
export async function startLocalRunner(options: LocalRunnerOptions): Promise<LocalRunner> {
  const { database, log } = options;
  await mkdir(options.worktreeRoot, { recursive: true, mode: 0o711 }).catch(() => {});
  const instance = await readInstance(options.dataDir);
  const pool = await ensureLocalPool(database);
  const name = hostname();
  const runner = await registerRunner(database, {
    pool,
    name,
    kind: "local",
    instance,
    boot: randomUUID(),
    capacity: options.workers,
  });
  for (const { cause, ...lost } of await interruptHeldBy(database, options.defaults, runner)) {
    log.warn("an attempt was lost when the server ended", { ...lost, error: cause });
  }
  await sweepContainers(options.sandbox, instance, log);
  await sweepWorktrees(options, log);
  const ending = new AbortController();
  const stopPresence = keepPresence(options, runner);
  const source = { claim: (signal: AbortSignal) => options.claim(pool, runner, signal) };
  const clones = new CloneCache({
    root: cacheRootOf(options),
    path: options.path,
    bytesMax: options.cacheBytesMax,
    ageMsMax: options.cacheAgeMs,
    nowMs: systemClock.nowMs,
    log,
  });
  const tidying = keepCloneCache(clones, systemClock, ending.signal);
  const loop = runnerLoop(
    {
      source,
      run: jobRunner(options, instance, clones),
      capacity: options.workers,
      idleMs: 0,
      clock: systemClock,
      log,
    },
    { drain: ending.signal, cancel: ending.signal },
  );
  return {
    stop: async () => {
      const { endMsMax = END_MS_MAX } = options;
      ending.abort();
      if ((await orLate(Promise.all([loop, tidying]), endMsMax)) === "late")
        log.warn(
          "the server ends before its runs did; what the container engine still has of them is removed at the next start",
        );
      stopPresence();
      const letGo = interruptHeldBy(database, options.defaults, runner).then(() =>
        retireRunner(database, runner).catch(() => {}),
      );
      if ((await orLate(letGo, END_MS_MAX)) === "late")
        log.warn(
          "the server ends before its runs were queued again, as its database did not answer; their leases lapse",
        );
    },
  };
}

function cacheRootOf({ worktreeRoot }: LocalRunnerOptions): string {
  return join(worktreeRoot, "cache");
}

function jobRunner(options: LocalRunnerOptions, instance: string, clones: CloneCache) {
  const root = process.getuid?.() === 0;
  const triaged = new TriageCheckout({
    program: { argv: options.triage, env: { PATH: options.path } },
    worktreeRoot: options.worktreeRoot,
    cacheRoot: cacheRootOf(options),
    clones,
    owner: root && options.sandbox.isolation === "container" ? { uid: AGENT_UID, gid: AGENT_GID } : null,
    removeDir: (dir) => options.sandbox.removeDir(dir),
  });
  const deps = {
    controlPlane: options.controlPlane,
    checkout: new PatientCheckout(triaged, systemClock),
    sandbox: options.sandbox,
    settings: {
      instance,
      image: options.image,
      allowedImages: options.allowedImages,
      network: options.network,
      command: ["windshift-agent"],
      heartbeatMs: HEARTBEAT_INTERVAL_MS,
      workspaceBytesMax: options.workspaceBytesMax,
    },
    hurriedLooks: new HurriedLooks(),
    clock: systemClock,
    log: options.log,
  };
  return (job: JobSpec, signal: AbortSignal) =>
    runJob(job, tracedDeps(deps, job, options.tracing), { cancel: signal });
}

async function sweepContainers(sandbox: Sandbox, instance: string, log: JobLog): Promise<void> {
  try {
    const removed = await sandbox.sweep({ [INSTANCE_LABEL]: instance }, []);
    if (removed.length > 0) log.info("containers of an earlier start were removed", { removed });
  } catch (error) {
    log.warn(
      "containers of an earlier start could not be looked for; each run says what is wrong with the engine",
      { error },
    );
  }
}

/** Folders of attempts that died with an earlier process; no attempt of this one has begun. */
async function sweepWorktrees(options: LocalRunnerOptions, log: JobLog): Promise<void> {
  const names = await readdir(options.worktreeRoot).catch(() => []);
  for (const name of names.filter((entry) => /^run-\d+-\d+$/.test(entry))) {
    await options.sandbox
      .removeDir(join(options.worktreeRoot, name))
      .catch((error) => log.warn("a folder of an earlier start could not be removed", { name, error }));
  }
}

function keepPresence(options: LocalRunnerOptions, runner: RunnerId): () => void {
  const timer = setInterval(() => {
    touchRunner(options.database, runner).catch((error) =>
      options.log.warn("the runner's presence was not stored", { error }),
    );
  }, PRESENCE_INTERVAL_MS);
  return () => clearInterval(timer);
}
