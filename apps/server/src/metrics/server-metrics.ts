import { buildVersion } from "@windshift/base/build-version.ts";
import type { PoolDiagnostics } from "@windshift/contract/api/pool.ts";
import type { RunReason, RunStatus } from "@windshift/contract/run.ts";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { RunFigures } from "../db/run-figures.ts";

/** Bounds of the answers, s: up to the longest wait of a claim. Of a stream it is the time until it begins. */
const ANSWER_BUCKETS_S = [0.005, 0.025, 0.1, 0.25, 1, 2.5, 10, 30];
/** Bounds of how late the event loop is, s. */
const DELAY_BUCKETS_S = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
/** Methods that routes have; a client may make up others. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);
/** What stands for every address that is no route. */
const NO_ROUTE = "none";

export interface Answer {
  method: string;
  /** Template of the route; undefined when there was none. */
  route: string | undefined;
  status: number;
  ms: number;
}

/**
 * The figures of one server process. Labels take few values: pools, closed lists, and templates of routes; never an id, a name of
 * a person or repository, or a secret.
 */
export class ServerMetrics implements RunFigures {
  readonly registry = new Registry();
  private readonly answers = new Histogram({
    name: "windshift_http_request_duration_seconds",
    help: "Time until an answer begins, by template of the route",
    labelNames: ["method", "route", "status"],
    buckets: ANSWER_BUCKETS_S,
    registers: [this.registry],
  });
  private readonly ended = new Counter({
    name: "windshift_runs_ended_total",
    help: "Runs that this process ended, or parked as waiting for a person, since it started",
    labelNames: ["status", "reason"],
    registers: [this.registry],
  });
  private readonly events = new Counter({
    name: "windshift_run_events_total",
    help: "Events of runs that this process stored since it started",
    registers: [this.registry],
  });
  private readonly delay = new Histogram({
    name: "windshift_event_loop_delay_seconds",
    help: "How late the event loop does what is due",
    buckets: DELAY_BUCKETS_S,
    registers: [this.registry],
  });
  private readonly queued = this.gauge("queue_depth", "Runs that wait, by pool", ["pool"]);
  private readonly oldest = this.gauge("queue_oldest_seconds", "Time the longest waiting run has waited", [
    "pool",
  ]);
  private readonly running = this.gauge("runs_running", "Runs that a runner has, by pool", ["pool"]);
  private readonly runners = this.gauge("runners", "Runners, by pool and state", ["pool", "state"]);
  private readonly free = this.gauge("runner_free_places", "Runs that live runners could take now", ["pool"]);

  constructor() {
    this.gauge("info", "Always 1; says the version", ["version"]).set({ version: buildVersion }, 1);
    new Gauge({
      name: "windshift_resident_memory_bytes",
      help: "Memory of this process",
      registers: [this.registry],
      collect() {
        this.set(process.memoryUsage.rss());
      },
    });
  }

  answered({ method, route, status, ms }: Answer): void {
    const labels = {
      method: METHODS.has(method) ? method : "other",
      route: route ?? NO_ROUTE,
      status: `${Math.floor(status / 100)}xx`,
    };
    this.answers.observe(labels, ms / 1_000);
  }

  runEnded(status: RunStatus, reason: RunReason | null): void {
    this.ended.inc({ status, reason: reason ?? "none" });
  }

  eventsAppended(count: number): void {
    this.events.inc(count);
  }

  loopDelayed(ms: number): void {
    this.delay.observe(ms / 1_000);
  }

  /** Takes over how the pools are; one that is gone is told no more. */
  showPools(pools: readonly PoolDiagnostics[], nowMs: number): void {
    for (const gauge of [this.queued, this.oldest, this.running, this.runners, this.free]) gauge.reset();
    for (const { pool, queued, oldest_queued_at, running, free, ...states } of pools) {
      this.queued.set({ pool }, queued);
      const sinceMs = oldest_queued_at === null ? 0 : nowMs - Date.parse(oldest_queued_at);
      this.oldest.set({ pool }, Math.max(0, sinceMs) / 1_000);
      this.running.set({ pool }, running);
      this.free.set({ pool }, free);
      for (const state of ["live", "stale", "draining", "revoked"] as const)
        this.runners.set({ pool, state }, states[state]);
    }
  }

  private gauge<L extends string>(name: string, help: string, labelNames: L[]): Gauge<L> {
    return new Gauge({ name: `windshift_${name}`, help, labelNames, registers: [this.registry] });
  }
}
