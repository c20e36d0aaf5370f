import { formatTraceparent, newSpanId, parseTraceparent, type Tracing } from "@windshift/base/tracing.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { Database } from "../db/database.ts";
import type { RunFigures } from "../db/run-figures.ts";
import type { Log } from "../http/log.ts";
import { RunTraceIds, spansOf } from "./run-trace.ts";
import { findRunFacts } from "./run-trace-store.ts";

/** What a run's calls cost is written down in batches of 200 ms: its trace is written when they are there, ms. */
const SETTLE_MS = 1_000;
/** Runs whose traces are written at once when a server ends; a crash loses them, and nothing else. */
const WAITING_MAX = 1_000;

/**
 * One trace for each run. It is made from what the database keeps of the run, by the server that ends it, so that it is whole however
 * many servers and attempts the run had. The runner adds to it what it alone sees: it gets the ids with the job.
 */
export class RunTraces {
  private readonly waiting = new Map<number, Timer>();
  private readonly writing = new Set<Promise<void>>();
  private readonly ids: RunTraceIds;

  constructor(
    private readonly database: Pick<Database, "kysely">,
    private readonly tracing: Tracing,
    private readonly log: Log,
    /** Of this installation alone. */
    key: string,
  ) {
    this.ids = new RunTraceIds(key);
  }

  /** The job with the context that its runner's spans hang from. */
  traced(job: JobSpec): JobSpec {
    const { run_id, attempt } = job;
    const spanId = this.ids.span(run_id, "attempt", attempt);
    return { ...job, traceparent: formatTraceparent({ traceId: this.ids.trace(run_id), spanId }) };
  }

  /**
   * Adds what was just done as a part of a runner's span. A host that names a span of another trace is not followed: nothing is added.
   * @param part `startMs` in ms since 1970
   */
  add(part: { name: string; run: number; traceparent: string | undefined; startMs: number }): void {
    const { name, run, startMs } = part;
    const parent = part.traceparent === undefined ? undefined : parseTraceparent(part.traceparent);
    const traceId = this.ids.trace(run);
    if (parent?.traceId !== traceId) return;
    this.tracing.ended({
      ...{ name, traceId, spanId: newSpanId(), parentId: parent.spanId },
      ...{ startMs, endMs: Date.now(), attributes: { "windshift.run": run } },
    });
  }

  /** Figures that are told the same. */
  beside(figures: RunFigures): RunFigures {
    return {
      eventsAppended: (count) => figures.eventsAppended(count),
      runEnded: (status, reason, run) => {
        figures.runEnded(status, reason, run);
        if (status !== "waiting") this.runEnded(run);
      },
    };
  }

  /** To be told of each run that came to its end, once that is committed. Returns at once. */
  private runEnded(run: number): void {
    if (this.waiting.has(run) || this.waiting.size >= WAITING_MAX) return;
    this.waiting.set(
      run,
      setTimeout(() => this.write(run), SETTLE_MS),
    );
  }

  /** Writes what waits, while the database is still open. */
  async close(): Promise<void> {
    for (const [run, timer] of [...this.waiting]) {
      clearTimeout(timer);
      this.write(run);
    }
    await Promise.all(this.writing);
    await this.tracing.close();
  }

  private write(run: number): void {
    this.waiting.delete(run);
    const written = this.send(run)
      .catch((error: unknown) => this.log.warn({ run, err: error }, "the trace of a run was not written"))
      .finally(() => this.writing.delete(written));
    this.writing.add(written);
  }

  private async send(run: number): Promise<void> {
    const facts = await findRunFacts(this.database.kysely, run);
    if (facts === undefined) return;
    for (const span of spansOf(facts, this.ids)) this.tracing.ended(span);
  }
}
