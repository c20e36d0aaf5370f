import { buildVersion } from "@windshift/base/build-version.ts";
import type { PoolDiagnostics } from "@windshift/contract/api/pool.ts";
import type { RunReason, RunStatus } from "@windshift/contract/run.ts";
import type { RunFigures } from "../db/run-figures.ts";
import type { CostlyWork } from "../health/costly-work.ts";
import type { MemoryReading } from "../health/memory-reading.ts";
import { MetricTimes } from "./metric-times.ts";
import { MetricValues } from "./metric-values.ts";

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
  /** Of the text format of Prometheus. */
  readonly contentType = "text/plain; version=0.0.4; charset=utf-8";
  private readonly info = new MetricValues("gauge", "windshift_info", "Always 1; says the version");
  private readonly memory = new MetricValues(
    "gauge",
    "windshift_resident_memory_bytes",
    "Memory of this process",
  );
  private readonly memoryUsed = gauge("memory_used_bytes", "Memory that counts towards its limit");
  private readonly memoryLimit = gauge("memory_limit_bytes", "Limit of memory, by whose it is");
  private readonly memoryShort = gauge(
    "memory_short",
    "1 while costly work is turned away for lack of memory",
  );
  private readonly memoryRefusals = new MetricValues(
    "counter",
    "windshift_memory_refusals_total",
    "Requests that were turned away for lack of memory since this process started, by what they asked for",
  );
  private readonly answers = new MetricTimes(
    "windshift_http_request_duration_seconds",
    "Time until an answer begins, by template of the route",
    ANSWER_BUCKETS_S,
  );
  private readonly ended = new MetricValues(
    "counter",
    "windshift_runs_ended_total",
    "Runs that this process ended, or parked as waiting for a person, since it started",
  );
  private readonly events = new MetricValues(
    "counter",
    "windshift_run_events_total",
    "Events of runs that this process stored since it started",
  );
  private readonly delay = new MetricTimes(
    "windshift_event_loop_delay_seconds",
    "How late the event loop does what is due",
    DELAY_BUCKETS_S,
  );
  private readonly queued = gauge("queue_depth", "Runs that wait, by pool");
  private readonly oldest = gauge("queue_oldest_seconds", "Time the longest waiting run has waited");
  private readonly running = gauge("runs_running", "Runs that a runner has, by pool");
  private readonly runners = gauge("runners", "Runners, by pool and state");
  private readonly free = gauge("runner_free_places", "Runs that live runners could take now");

  constructor() {
    this.info.set({ version: buildVersion }, 1);
    this.events.add({}, 0);
  }

  answered({ method, route, status, ms }: Answer): void {
    const known = METHODS.has(method) ? method : "other";
    const kind = Math.floor(status / 100);
    const labels = () => ({ method: known, route: route ?? NO_ROUTE, status: `${kind}xx` });
    this.answers.count(`${known} ${kind} ${route}`, labels, ms / 1_000);
  }

  runEnded(status: RunStatus, reason: RunReason | null): void {
    this.ended.add({ status, reason: reason ?? "none" }, 1);
  }

  eventsAppended(count: number): void {
    this.events.add({}, count);
  }

  loopDelayed(ms: number): void {
    this.delay.count("", () => ({}), ms / 1_000);
  }

  memoryRead({ usedBytes, limitBytes, of }: MemoryReading, isShort: boolean): void {
    this.memoryUsed.set({}, usedBytes);
    this.memoryLimit.reset();
    this.memoryLimit.set({ of }, limitBytes);
    this.memoryShort.set({}, isShort ? 1 : 0);
  }

  memoryRefused(work: CostlyWork): void {
    this.memoryRefusals.add({ work }, 1);
  }

  /** Takes over how the pools are; one that is gone is told no more. */
  showPools(pools: readonly PoolDiagnostics[], nowMs: number): void {
    for (const metric of [this.queued, this.oldest, this.running, this.runners, this.free]) metric.reset();
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

  /** All of it, as it is asked for at `/metrics`. */
  text(): string {
    this.memory.set({}, process.memoryUsage.rss());
    const { info, memory, memoryUsed, memoryLimit, memoryShort, memoryRefusals } = this;
    const { answers, ended, events, delay, queued, oldest, running, runners, free } = this;
    const ofMemory = [memory, memoryUsed, memoryLimit, memoryShort, memoryRefusals];
    const all = [info, ...ofMemory, answers, ended, events, delay, queued, oldest, running, runners, free];
    return `${all.flatMap((metric) => metric.lines()).join("\n")}\n`;
  }
}

function gauge(name: string, help: string): MetricValues {
  return new MetricValues("gauge", `windshift_${name}`, help);
}
