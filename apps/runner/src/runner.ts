import { randomBytes } from "node:crypto";
import { buildVersion } from "@windshift/base/build-version.ts";
import { systemClock } from "@windshift/base/clock.ts";
import { openTracing, type Tracing } from "@windshift/base/tracing.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { PARTITION_MS_MAX } from "@windshift/contract/limits.ts";
import type { RunPhase } from "@windshift/contract/run.ts";
import { RotateReply, type RunnerHeartbeatReply, WhoamiReply } from "@windshift/contract/runner.ts";
import { CloneCache, keepCloneCache } from "@windshift/execution/clone-cache.ts";
import { DiskAttemptSpools } from "@windshift/execution/disk-attempt-spools.ts";
import { AGENT_GID, AGENT_UID } from "@windshift/execution/docker-argv.ts";
import { HurriedLooks } from "@windshift/execution/hurried-looks.ts";
import { type JobEnd, runJob } from "@windshift/execution/job.ts";
import type { JobLog } from "@windshift/execution/job-log.ts";
import { keepDelivering } from "@windshift/execution/leftovers.ts";
import { PatientCheckout } from "@windshift/execution/patient-checkout.ts";
import { runnerLoop } from "@windshift/execution/runner-loop.ts";
import type { HeldLabels, Sandbox } from "@windshift/execution/sandbox.ts";
import { tracedDeps } from "@windshift/execution/traced-job.ts";
import { TriageCheckout } from "@windshift/execution/triage-checkout.ts";
import { pathsOf, type RunnerSettings } from "./config.ts";
import { changeCredential, obtainCredential, readCredential } from "./credential.ts";
import { DrainWish } from "./drain-wish.ts";
import { createSandbox, DEFAULT_PATH, isRoot, requireFitEngine } from "./engine.ts";
import { HostHealth } from "./host-health.ts";
import { keepSweeping, sweepHost } from "./host-hygiene.ts";
import { lockCredential, lockHost } from "./host-lock.ts";
import { HostMetrics } from "./host-metrics.ts";
import { createHostPlane, type HostPlane } from "./http-control-plane.ts";
import { obtainInstance, takeInstance } from "./instance.ts";
import { type MetricsServer, startMetricsServer } from "./metrics-server.ts";
import { deliverPast, deliverPastLater } from "./past-delivery.ts";
import { ServerClient } from "./server-client.ts";

export interface RunnerOptions {
  settings: RunnerSettings;
  env: Record<string, string | undefined>;
  /** How windshift-triage is started. */
  triage: readonly string[];
  log: JobLog;
}

/** First ask: finish what runs, take no more. Second: end it now, so that it is queued again. */
export interface RunnerSignals {
  drain: AbortSignal;
  cancel: AbortSignal;
}

/**
 * Registers when needed, delivers what an earlier start left, and claims and runs jobs until it is told to drain, or has done
 * one with WSRUNNER_ONCE. Resolves when nothing runs any more.
 * @throws AppError when this host is not, or no longer, welcome, or its folders cannot be used
 */
export async function runRunner(options: RunnerOptions, signals: RunnerSignals): Promise<void> {
  const { settings } = options;
  await requireFitEngine(settings, options.env);
  const path = options.env.PATH ?? DEFAULT_PATH;
  const lock = await lockHost(settings.cacheRoot, path);
  try {
    const isKept = settings.credential === undefined && settings.credentialFile !== undefined;
    const credentialLock = isKept ? await lockCredential(pathsOf(settings).credential, path) : undefined;
    try {
      await runLocked(options, signals);
    } finally {
      credentialLock?.release();
    }
  } finally {
    lock.release();
  }
}

async function runLocked(options: RunnerOptions, signals: RunnerSignals): Promise<void> {
  const { settings, log } = options;
  const paths = pathsOf(settings);
  let credential: string | undefined;
  const client = new ServerClient({
    apiUrl: settings.apiUrl,
    version: buildVersion,
    credential: () => credential,
    reread: async () => {
      credential = settings.credential ?? (await readCredential(paths.credential, log)) ?? credential;
      return credential;
    },
  });
  credential = await obtainCredential({
    given: settings.credential,
    file: paths.credential,
    registrationToken: settings.registrationToken,
    name: settings.name,
    client,
    log,
    isKnown: (kept) => isKnown(settings, kept),
    onRegistered: (given) => takeInstance(paths.instance, given),
  });
  const instance = await obtainInstance({
    file: paths.instance,
    ask: async () => (await client.get("/runner/whoami", WhoamiReply)).instance_id,
    log,
  });
  const tracing = await openTracing({
    endpoint: settings.traceEndpoint,
    headers: settings.traceHeaders,
    service: "windshift-runner",
    version: buildVersion,
    instance,
    onProblem: (message) => log.warn(`traces: ${message}`),
  });
  const host = createHost(options, client, instance, tracing);
  const status = host.serveStatus();
  try {
    await host.settleThePast(signals.drain);
    await host.work(signals);
  } finally {
    await tracing?.close();
    await status?.stop();
  }
}

/** Whether the server takes a credential; one that cannot be asked may. */
async function isKnown({ apiUrl }: RunnerSettings, credential: string): Promise<boolean> {
  const client = new ServerClient({ apiUrl, version: buildVersion, credential: () => credential });
  return client.get("/runner/whoami", WhoamiReply).then(
    () => true,
    (error: unknown) => !(error instanceof AppError && error.code === "unauthenticated"),
  );
}

/** For an operator: another credential in the place of the one that is kept. */
export async function rotateKeptCredential(settings: RunnerSettings, log: JobLog): Promise<void> {
  if (settings.credential !== undefined)
    throw new AppError(
      "invalid_input",
      "WSRUNNER_CREDENTIAL is set: this runner keeps no credential that could be changed",
    );
  const file = pathsOf(settings).credential;
  const unregistered = { given: undefined, registrationToken: undefined, name: settings.name };
  let held: string | undefined;
  const client = new ServerClient({ apiUrl: settings.apiUrl, version: buildVersion, credential: () => held });
  held = await obtainCredential({ ...unregistered, file, client, log });
  held = await changeCredential(
    file,
    async () => (await client.post("/runner/credential", {}, RotateReply)).credential,
  );
  // Once it was used, nobody gets another with the former one, and it is not void for having lain about for a day.
  await client.get("/runner/whoami", WhoamiReply).catch((error: unknown) => {
    log.warn("the new credential is kept, but could not be tried; doctor tells whether it works", { error });
  });
}

interface Host {
  /** `/healthz` and `/metrics`, where a port is set for them. */
  serveStatus(): MetricsServer | undefined;
  /** @param drain gives up waiting for a server that is away */
  settleThePast(drain: AbortSignal): Promise<void>;
  work(signals: RunnerSignals): Promise<void>;
}

function createHost(
  options: RunnerOptions,
  client: ServerClient,
  instance: string,
  tracing: Tracing | undefined,
): Host {
  const { settings, log } = options;
  const paths = pathsOf(settings);
  const sandbox = createSandbox(settings, options.env, log);
  const boot = randomBytes(16).toString("hex");
  const spools = new DiskAttemptSpools({ root: paths.spool, boot, clock: systemClock, log });
  const unwelcome = new AbortController();
  const wish = new DrainWish(log);
  const state = {
    boot,
    version: buildVersion,
    name: settings.name,
    capacity: settings.capacity,
    labels: settings.labels,
    draining: false,
  };
  const held: HeldLabels[] = [];
  const load = () => ({ held: held.length, capacity: settings.capacity, draining: state.draining });
  const loadToTell = () => ({ ...load(), draining: state.draining || wish.stands });
  const metrics = new HostMetrics({ load: loadToTell, spoolDir: paths.spool });
  const health = new HostHealth({ ...settings, load });
  const heartbeat = (result: "ok" | "failed") => {
    health.heartbeatDue();
    metrics.heartbeat(result);
  };
  const plane = createHostPlane({
    client,
    state,
    apiUrl: settings.apiUrl,
    isolation: sandbox.isolation,
    pollIntervalMs: settings.pollIntervalMs,
    clock: systemClock,
    log,
    onHeartbeatFailed: () => heartbeat("failed"),
    onHeartbeat: ({ drain }: RunnerHeartbeatReply) => {
      heartbeat("ok");
      wish.heard(drain);
    },
    onUnwelcome: (error) => unwelcome.abort(error),
  });
  const leftovers = { spools, controlPlaneFor: plane.leftoverPlane, clock: systemClock, log };
  const clones = createCloneCache(options);
  const onPhase = (job: JobSpec, phase: RunPhase) => metrics.phase(keyOf(job), phase);
  const run = jobRunner(options, { plane, sandbox, spools, instance, clones, onPhase, tracing });
  const hygiene = { sandbox, instance, worktrees: paths.worktrees, spools, held, log };

  return {
    serveStatus: () => {
      const { metricsHost: host, metricsPort: port } = settings;
      if (port === undefined) return undefined;
      const { registry } = metrics;
      const server = startMetricsServer({ host, port, registry, problem: () => health.problem() });
      log.info("figures and health are served", { host, port: server.port });
      return server;
    },
    settleThePast: async (drain) => {
      const past = { leftovers, client, log, onRound: () => health.claimDue() };
      const { kept } = await deliverPast(past);
      await sweepHost(hygiene);
      if (kept > 0) await deliverPastLater(past, drain);
    },
    work: async ({ drain, cancel }) => {
      health.claimDue();
      const over = new AbortController();
      const draining = AbortSignal.any([drain, unwelcome.signal]);
      const stopDraining = () => {
        state.draining = true;
      };
      draining.addEventListener("abort", stopDraining, { once: true });
      const background = Promise.all([
        keepDelivering(leftovers, over.signal),
        keepSweeping(hygiene, systemClock, over.signal),
        keepCloneCache(clones, systemClock, over.signal, ({ bytes }) => metrics.cacheSize(bytes)),
      ]);
      const source = {
        claim: async (signal: AbortSignal) => {
          const startedMs = performance.now();
          let result: "job" | "none" | "failed" = "failed";
          try {
            const job = await plane.claim(signal);
            result = job === null ? "none" : "job";
            if (job !== null) wish.workCame();
            return job;
          } finally {
            health.claimDue();
            metrics.claimed(result, performance.now() - startedMs);
          }
        },
      };
      const tracked = async (job: JobSpec, cancelJob: AbortSignal) => {
        const mine = { run: job.run_id, attempt: job.attempt };
        let end: JobEnd | undefined;
        if (held.length === 0) health.heartbeatDue();
        held.push(mine);
        try {
          end = await run(job, cancelJob);
          return end;
        } finally {
          held.splice(held.indexOf(mine), 1);
          health.claimDue();
          metrics.jobEnded(keyOf(job), end);
        }
      };
      const cancelAll = AbortSignal.any([cancel, unwelcome.signal]);
      const { capacity, once } = settings;
      await runnerLoop(
        { source, run: tracked, capacity, once, idleMs: 0, clock: systemClock, log },
        { drain: draining, cancel: cancelAll },
      );
      over.abort();
      await background;
      if (unwelcome.signal.aborted) throw unwelcome.signal.reason;
    },
  };
}

function createCloneCache({ settings, env, log }: RunnerOptions): CloneCache {
  return new CloneCache({
    root: pathsOf(settings).clones,
    path: env.PATH ?? DEFAULT_PATH,
    bytesMax: settings.cacheBytesMax,
    ageMsMax: settings.cacheAgeMs,
    nowMs: systemClock.nowMs,
    log,
  });
}

/** Names one attempt among those of this host. */
function keyOf({ run_id, attempt }: JobSpec): string {
  return `${run_id}-${attempt}`;
}

function jobRunner(
  { settings, env, triage, log }: RunnerOptions,
  parts: {
    plane: HostPlane;
    sandbox: Sandbox;
    spools: DiskAttemptSpools;
    instance: string;
    clones: CloneCache;
    onPhase: (job: JobSpec, phase: RunPhase) => void;
    tracing: Tracing | undefined;
  },
) {
  const { plane, sandbox, spools, instance, clones, onPhase, tracing } = parts;
  const paths = pathsOf(settings);
  // Plain processes are the same user as this one: there is nobody to give the checkout to.
  const root = sandbox.isolation === "container" && isRoot();
  const triaged = new TriageCheckout({
    program: { argv: triage, env: { PATH: env.PATH ?? DEFAULT_PATH } },
    worktreeRoot: paths.worktrees,
    cacheRoot: paths.clones,
    clones,
    owner: root ? { uid: AGENT_UID, gid: AGENT_GID } : null,
    removeDir: (dir) => sandbox.removeDir(dir),
  });
  const checkout = new PatientCheckout(triaged, systemClock);
  const deps = {
    controlPlane: plane,
    checkout,
    sandbox,
    spools,
    settings: {
      instance,
      image: settings.image,
      allowedImages: settings.allowedImages,
      network: settings.network,
      command: ["windshift-agent"],
      heartbeatMs: settings.heartbeatMs,
      partitionMs: PARTITION_MS_MAX,
      workspaceBytesMax: settings.workspaceBytesMax,
      ...(settings.initialPrompt === undefined ? {} : { fallbackPrompt: settings.initialPrompt }),
    },
    hurriedLooks: new HurriedLooks(),
    onPhase,
    clock: systemClock,
    log,
  };
  return (job: JobSpec, cancel: AbortSignal) => runJob(job, tracedDeps(deps, job, tracing), { cancel });
}
