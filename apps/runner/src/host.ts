import { randomBytes } from "node:crypto";
import { buildVersion } from "@windshift/base/build-version.ts";
import { systemClock } from "@windshift/base/clock.ts";
import type { Tracing } from "@windshift/base/tracing.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { RunPhase } from "@windshift/contract/run.ts";
import type { RunnerHeartbeatReply } from "@windshift/contract/runner.ts";
import { CloneCache, keepCloneCache } from "@windshift/execution/clone-cache.ts";
import { DiskAttemptSpools } from "@windshift/execution/disk-attempt-spools.ts";
import type { JobEnd } from "@windshift/execution/job.ts";
import { keepDelivering } from "@windshift/execution/leftovers.ts";
import { runnerLoop } from "@windshift/execution/runner-loop.ts";
import type { HeldLabels } from "@windshift/execution/sandbox.ts";
import { pathsOf } from "./config.ts";
import { DrainWish } from "./drain-wish.ts";
import { createSandbox, DEFAULT_PATH } from "./engine.ts";
import { HostHealth } from "./host-health.ts";
import { keepSweeping, sweepHost } from "./host-hygiene.ts";
import { HostMetrics } from "./host-metrics.ts";
import { createHostPlane } from "./http-control-plane.ts";
import { createJobRunner } from "./job-runner.ts";
import { type MetricsServer, startMetricsServer } from "./metrics-server.ts";
import { deliverPast, deliverPastLater } from "./past-delivery.ts";
import type { RunnerOptions, RunnerSignals } from "./runner-options.ts";
import type { ServerClient } from "./server-client.ts";

/** This machine, as far as the work of its runs goes. */
export interface Host {
  /** `/healthz` and `/metrics`, where a port is set for them. */
  serveStatus(): MetricsServer | undefined;
  /** @param drain gives up waiting for a server that is away */
  settleThePast(drain: AbortSignal): Promise<void>;
  work(signals: RunnerSignals): Promise<void>;
}

/**
 * Wires the parts of a host; it claims, sends and removes nothing until one of its methods is called.
 * @param instance marks what this runner leaves on the machine as its own
 * @param tracing undefined: spans go nowhere
 */
export function createHost(
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
  const run = createJobRunner(options, { plane, sandbox, spools, instance, clones, onPhase, tracing });
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
