import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { buildVersion } from "@windshift/base/build-version.ts";
import { systemClock } from "@windshift/base/clock.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { PARTITION_MS_MAX } from "@windshift/contract/limits.ts";
import { RotateReply, type RunnerHeartbeatReply } from "@windshift/contract/runner.ts";
import { DiskAttemptSpools } from "@windshift/execution/disk-attempt-spools.ts";
import { AGENT_GID, AGENT_UID } from "@windshift/execution/docker-argv.ts";
import { dockerCliEnv } from "@windshift/execution/docker-cli.ts";
import { DockerSandbox } from "@windshift/execution/docker-sandbox.ts";
import { runJob } from "@windshift/execution/job.ts";
import type { JobLog } from "@windshift/execution/job-log.ts";
import { deliverLeftovers, keepDelivering } from "@windshift/execution/leftovers.ts";
import { PatientCheckout } from "@windshift/execution/patient-checkout.ts";
import { ProcessSandbox } from "@windshift/execution/process-sandbox.ts";
import { runnerLoop } from "@windshift/execution/runner-loop.ts";
import type { HeldLabels, Sandbox } from "@windshift/execution/sandbox.ts";
import { INSTANCE_LABEL } from "@windshift/execution/sandbox-labels.ts";
import { TriageCheckout } from "@windshift/execution/triage-checkout.ts";
import { pathsOf, type RunnerSettings } from "./config.ts";
import { keepCredential, obtainCredential } from "./credential.ts";
import { createHostPlane, type HostPlane } from "./http-control-plane.ts";
import { ServerClient } from "./server-client.ts";

/** Time between looks for what died attempts of this host left behind, ms. */
const SWEEP_MS = 300_000;

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
  const { settings, log } = options;
  const paths = pathsOf(settings);
  let credential: string | undefined;
  const client = new ServerClient({
    apiUrl: settings.apiUrl,
    version: buildVersion,
    credential: () => credential,
  });
  credential = await obtainCredential({
    given: settings.credential,
    file: paths.credential,
    registrationToken: settings.registrationToken,
    name: settings.name,
    client,
    log,
  });
  const instance = await readInstance(paths.instance);
  const host = createHost(options, client, instance);
  await host.settleThePast();
  await host.work(signals);
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
  const { credential } = await client.post("/runner/credential", {}, RotateReply);
  await keepCredential(file, credential);
}

interface Host {
  settleThePast(): Promise<void>;
  work(signals: RunnerSignals): Promise<void>;
}

function createHost(options: RunnerOptions, client: ServerClient, instance: string): Host {
  const { settings, log } = options;
  const paths = pathsOf(settings);
  const sandbox = createSandbox(options);
  const boot = randomBytes(16).toString("hex");
  const spools = new DiskAttemptSpools({ root: paths.spool, boot, clock: systemClock, log });
  const asked = new AbortController();
  const state = {
    boot,
    version: buildVersion,
    capacity: settings.capacity,
    labels: settings.labels,
    draining: false,
  };
  const plane = createHostPlane({
    client,
    state,
    apiUrl: settings.apiUrl,
    isolation: sandbox.isolation,
    pollIntervalMs: settings.pollIntervalMs,
    clock: systemClock,
    log,
    onHeartbeat: ({ drain }: RunnerHeartbeatReply) => {
      if (drain && !state.draining) log.info("an administrator asked this runner to take no more for now");
    },
  });
  const leftovers = { spools, controlPlaneFor: plane.leftoverPlane, clock: systemClock, log };
  const held = new Map<string, HeldLabels>();
  const run = jobRunner(options, { plane, sandbox, spools, instance });

  return {
    settleThePast: async () => {
      const count = await deliverLeftovers(leftovers, AbortSignal.timeout(LEFTOVERS_MS_MAX));
      if (count.delivered + count.lost + count.kept > 0) log.info("what an earlier start left", { ...count });
      await sweep(sandbox, instance, paths.worktrees, [], log);
    },
    work: async ({ drain, cancel }) => {
      const over = new AbortController();
      const unwelcome = new AbortController();
      const draining = AbortSignal.any([drain, asked.signal, unwelcome.signal]);
      const stopDraining = () => {
        state.draining = true;
      };
      draining.addEventListener("abort", stopDraining, { once: true });
      const background = Promise.all([
        keepDelivering(leftovers, over.signal),
        keepSweeping(sandbox, instance, paths.worktrees, held, log, over.signal),
      ]);
      const source = {
        claim: async (signal: AbortSignal) => {
          try {
            return await plane.claim(signal);
          } catch (error) {
            if (isUnwelcome(error)) unwelcome.abort(error);
            throw error;
          }
        },
      };
      const tracked = async (job: JobSpec, cancelJob: AbortSignal) => {
        const key = `${job.run_id}-${job.attempt}`;
        held.set(key, { run: job.run_id, attempt: job.attempt });
        try {
          return await run(job, cancelJob);
        } finally {
          held.delete(key);
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

/** Time for what an earlier start left, ms: a server that is away must not keep this start from its work for ever. */
const LEFTOVERS_MS_MAX = 60_000;

/** The server knows this host no more, or another start of it has taken its place: to ask again changes nothing. */
function isUnwelcome(error: unknown): boolean {
  return (
    error instanceof AppError &&
    (error.code === "unauthenticated" || error.code === "forbidden" || error.code === "superseded")
  );
}

function createSandbox({ settings, env, log }: RunnerOptions): Sandbox {
  const { docker, image, pidsLimit, memory, cpus, runtime } = settings;
  if (settings.sandbox === "unsandboxed") {
    log.warn("UNSAFE: agents run as plain processes with the rights of this runner");
    const homeRoot = join(settings.cacheRoot, "homes");
    return new ProcessSandbox({ commands: {}, path: env.PATH ?? DEFAULT_PATH, homeRoot });
  }
  return new DockerSandbox({
    docker,
    env: dockerCliEnv(env),
    helperImage: image,
    root: process.getuid?.() === 0,
    limits: { pidsLimit, memory, cpus, ...(runtime === undefined ? {} : { runtime }) },
  });
}

function jobRunner(
  { settings, env, triage, log }: RunnerOptions,
  parts: { plane: HostPlane; sandbox: Sandbox; spools: DiskAttemptSpools; instance: string },
) {
  const { plane, sandbox, spools, instance } = parts;
  const paths = pathsOf(settings);
  // Plain processes are the same user as this one: there is nobody to give the checkout to.
  const root = sandbox.isolation === "container" && process.getuid?.() === 0;
  const triaged = new TriageCheckout({
    program: { argv: triage, env: { PATH: env.PATH ?? DEFAULT_PATH } },
    worktreeRoot: paths.worktrees,
    cacheRoot: paths.clones,
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
      ...(settings.initialPrompt === undefined ? {} : { fallbackPrompt: settings.initialPrompt }),
    },
    clock: systemClock,
    log,
  };
  return (job: JobSpec, cancel: AbortSignal) => runJob(job, deps, { cancel });
}

/** PATH of child programs when this one was started without one. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The name by which this host knows its own containers after a crash. */
async function readInstance(file: string): Promise<string> {
  const known = (await readFile(file, "utf8").catch(() => "")).trim();
  if (/^[0-9a-f]{12}$/.test(known)) return known;
  const fresh = randomBytes(6).toString("hex");
  await mkdir(dirname(file), { recursive: true, mode: 0o711 });
  await writeFile(file, `${fresh}\n`, { mode: 0o600 });
  return fresh;
}

async function keepSweeping(
  sandbox: Sandbox,
  instance: string,
  worktrees: string,
  held: ReadonlyMap<string, HeldLabels>,
  log: JobLog,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await systemClock.sleep(SWEEP_MS, signal);
    if (!signal.aborted) await sweep(sandbox, instance, worktrees, [...held.values()], log);
  }
}

/** Removes containers and folders of attempts of this host that are not held; never another's. Never rejects. */
async function sweep(
  sandbox: Sandbox,
  instance: string,
  worktrees: string,
  held: readonly HeldLabels[],
  log: JobLog,
): Promise<void> {
  try {
    const removed = await sandbox.sweep({ [INSTANCE_LABEL]: instance }, held);
    if (removed.length > 0) log.info("containers of attempts that ended were removed", { removed });
  } catch (error) {
    log.warn("containers of attempts that ended could not be looked for", { error });
  }
  const kept = new Set(held.map(({ run, attempt }) => `run-${run}-${attempt}`));
  const names = await readdir(worktrees).catch(() => []);
  for (const name of names.filter((entry) => /^run-\d+-\d+$/.test(entry) && !kept.has(entry)))
    await sandbox
      .removeDir(join(worktrees, name))
      .catch((error: unknown) =>
        log.warn("a folder of an attempt that ended could not be removed", { name, error }),
      );
}
