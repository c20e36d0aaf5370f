import { stat } from "node:fs/promises";
import { join } from "node:path";
import { buildVersion } from "@windshift/base/build-version.ts";
import type { RunPhase } from "@windshift/contract/run.ts";
import type { JobEnd } from "@windshift/execution/job.ts";
import { Glob } from "bun";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { HostLoad } from "./host-health.ts";

/** Bounds of the waits for a claim, s: up to the longest wait of the server and a time-out. */
const CLAIM_BUCKETS_S = [0.05, 0.25, 1, 5, 15, 25, 30, 40];
/** Bounds of the phases, s: a checkout of a moment, an agent of a working day. */
const PHASE_BUCKETS_S = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 28_800];

export interface HostMetricsOptions {
  load: () => HostLoad;
  /** Folder of the spools, absolute. */
  spoolDir: string;
}

/** The figures of this host. Labels take few values, and none of them names a run, a repository, a person or a secret. */
export class HostMetrics {
  readonly registry = new Registry();
  private readonly claims = this.counter("claims_total", "Claims that came to an end", ["result"]);
  private readonly claimWait = this.histogram("claim_wait_seconds", "Time of a claim", CLAIM_BUCKETS_S);
  private readonly phases = this.histogram("phase_seconds", "Time of a phase of a run", PHASE_BUCKETS_S, [
    "phase",
  ]);
  private readonly jobs = this.counter("jobs_total", "Jobs that ended, by how and why", ["end", "reason"]);
  private readonly heartbeats = this.counter("heartbeats_total", "Heartbeats that came to an end", [
    "result",
  ]);
  private readonly cache = this.gauge("cache_bytes", "Bytes of all bare clones at the last look");
  /** When each job entered the phase it is in, by its key. */
  private readonly entered = new Map<string, { phase: RunPhase; atMs: number }>();

  constructor({ load, spoolDir }: HostMetricsOptions) {
    for (const result of ["job", "none", "failed"]) this.claims.inc({ result }, 0);
    for (const result of ["ok", "failed"]) this.heartbeats.inc({ result }, 0);
    this.gauge("held", "Runs this host works on", () => load().held);
    this.gauge("capacity", "Runs it takes at once", () => load().capacity);
    this.gauge("draining", "1 while it takes no more", () => (load().draining ? 1 : 0));
    this.gauge("spool_bytes", "Bytes of events and results the server does not have yet", () =>
      bytesIn(spoolDir),
    );
    this.gauge("resident_memory_bytes", "Memory of this program", () => process.memoryUsage.rss());
    this.gauge("info", "Always 1; says the version", () => 1, { version: buildVersion });
  }

  claimed(result: "job" | "none" | "failed", ms: number): void {
    this.claims.inc({ result });
    this.claimWait.observe(ms / 1_000);
  }

  heartbeat(result: "ok" | "failed"): void {
    this.heartbeats.inc({ result });
  }

  cacheSize(bytes: number): void {
    this.cache.set(bytes);
  }

  /** @param key of the job, unlike that of any other that runs */
  phase(key: string, phase: RunPhase): void {
    this.leavePhase(key);
    this.entered.set(key, { phase, atMs: performance.now() });
  }

  /** @param end undefined when the job ended with an error of ours */
  jobEnded(key: string, end: JobEnd | undefined): void {
    this.leavePhase(key);
    this.jobs.inc({ end: end?.kind ?? "error", reason: end === undefined ? "internal" : reasonOf(end) });
  }

  private leavePhase(key: string): void {
    const left = this.entered.get(key);
    this.entered.delete(key);
    if (left !== undefined)
      this.phases.observe({ phase: left.phase }, (performance.now() - left.atMs) / 1_000);
  }

  private counter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    return new Counter({ name: nameOf(name), help, labelNames, registers: [this.registry] });
  }

  private histogram<L extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: L[] = [],
  ): Histogram<L> {
    return new Histogram({ name: nameOf(name), help, buckets, labelNames, registers: [this.registry] });
  }

  /** @param read gives the value when it is asked for */
  private gauge(
    name: string,
    help: string,
    read?: () => number | Promise<number>,
    labels: Record<string, string> = {},
  ): Gauge {
    return new Gauge({
      name: nameOf(name),
      help,
      labelNames: Object.keys(labels),
      registers: [this.registry],
      ...(read === undefined
        ? {}
        : {
            async collect() {
              this.set(labels, await read());
            },
          }),
    });
  }
}

function nameOf(name: string): string {
  return `windshift_runner_${name}`;
}

/** Why a job ended: its failure, else how the agent said its work ended. Both are closed lists. */
function reasonOf(end: JobEnd): string {
  if (!("result" in end)) return "none";
  return end.result.failure?.reason ?? end.result.outcome ?? "none";
}

/** Of a spool that changes meanwhile: what is gone counts nothing. */
async function bytesIn(dir: string): Promise<number> {
  let bytes = 0;
  try {
    for await (const file of new Glob("*/*").scan({ cwd: dir }))
      bytes += await stat(join(dir, file)).then(
        ({ size }) => size,
        () => 0,
      );
  } catch {
    // There is no spool yet.
  }
  return bytes;
}
