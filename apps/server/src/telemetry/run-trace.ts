import { type EndedSpan, idOf } from "@windshift/base/tracing.ts";
import type { RunFacts } from "./run-trace-store.ts";

/** Ids of the spans of a run. They follow from the run, so that every process that had a part in it writes the same trace. */
export class RunTraceIds {
  /** @param key of this installation alone: elsewhere the same numbers of runs make other ids */
  constructor(private readonly key: string) {}

  trace(run: number): string {
    return idOf(32, this.key, run);
  }

  span(run: number, ...words: (string | number)[]): string {
    return idOf(16, this.key, run, ...words);
  }
}

/** The run as a person waited for it: one root, and below it what took the time, one after the other. */
export function spansOf(facts: RunFacts, ids: RunTraceIds): EndedSpan[] {
  const maker = new SpanMaker(facts.run.id, ids);
  return [
    ...beginning(facts, maker),
    ...facts.attempts.flatMap((attempt) => attemptSpans(attempt, maker)),
    ...facts.calls.map((call) => callSpan(call, facts, maker)),
    ...stepSpans(facts, maker),
  ];
}

/** What names a span below the run: `attempt`, 2, `agent`. */
type Words = readonly (string | number)[];

class SpanMaker {
  constructor(
    private readonly run: number,
    private readonly ids: RunTraceIds,
  ) {}

  make(
    [name, words, parent]: [name: string, words: Words, parent: Words | undefined],
    span: Pick<EndedSpan, "startMs" | "endMs" | "attributes" | "failed">,
  ): EndedSpan {
    return {
      name,
      traceId: this.ids.trace(this.run),
      spanId: this.ids.span(this.run, ...words),
      parentId: parent && this.ids.span(this.run, ...parent),
      ...span,
    };
  }
}

const ROOT: Words = ["run"];

function beginning({ run, attempts, modelCalls }: RunFacts, maker: SpanMaker): EndedSpan[] {
  const startMs = run.createdAtMs;
  const attributes = {
    "windshift.run": run.id,
    "windshift.trigger": run.trigger,
    "windshift.status": run.status,
    "windshift.reason": run.reason,
    "windshift.attempts": attempts.length,
    "windshift.model_calls": modelCalls,
  };
  const failed = run.status === "failed" ? run.reason : undefined;
  const firstClaimMs = attempts[0]?.claimedAtMs ?? run.endedAtMs;
  return [
    maker.make(["run", ROOT, undefined], { startMs, endMs: run.endedAtMs, attributes, failed }),
    maker.make(["assignment", ["assignment"], ROOT], {
      ...{ startMs, endMs: startMs },
      attributes: { "windshift.trigger": run.trigger },
    }),
    maker.make(["queued", ["queued"], ROOT], {
      ...{ startMs, endMs: firstClaimMs },
      attributes: { "windshift.pool": run.pool },
    }),
  ];
}

function attemptSpans(
  { attempt, claimedAtMs, endedAtMs, outcome, phases }: RunFacts["attempts"][number],
  maker: SpanMaker,
): EndedSpan[] {
  const own: Words = ["attempt", attempt];
  const attributes = { "windshift.attempt": attempt };
  return [
    maker.make(["attempt", own, ROOT], {
      ...{ startMs: claimedAtMs, endMs: endedAtMs },
      attributes: { ...attributes, "windshift.outcome": outcome },
      failed: outcome === "interrupted" || outcome === "failed" ? outcome : undefined,
    }),
    ...phases.map(({ name, startMs, endMs }) =>
      maker.make([name, [...own, name], own], { startMs, endMs, attributes }),
    ),
  ];
}

/** A call belongs to the agent's phase of its attempt, if that is known. */
function callSpan(call: RunFacts["calls"][number], facts: RunFacts, maker: SpanMaker): EndedSpan {
  const { id, attempt, startMs, endMs, inputTokens, outputTokens, status } = call;
  const of = facts.attempts.find((one) => one.attempt === attempt);
  const own: Words = ["attempt", attempt];
  const parent = of?.phases.some(({ name }) => name === "agent") ? [...own, "agent"] : own;
  return maker.make(["model call", ["call", id], parent], {
    ...{ startMs, endMs },
    attributes: {
      "windshift.attempt": attempt,
      "gen_ai.operation.name": "chat",
      "gen_ai.usage.input_tokens": inputTokens,
      "gen_ai.usage.output_tokens": outputTokens,
      "http.response.status_code": status,
    },
    failed: status < 400 ? undefined : String(status),
  });
}

function stepSpans({ attempts, steps }: RunFacts, maker: SpanMaker): EndedSpan[] {
  const publishing: Words = ["attempt", attempts.at(-1)?.attempt ?? 0, "publishing"];
  return steps.map(({ name, startMs, endMs, tries, failed }) =>
    maker.make([name.replaceAll("_", " "), ["step", name], publishing], {
      ...{ startMs, endMs },
      attributes: { "windshift.tries": tries },
      failed: failed ? "failed" : undefined,
    }),
  );
}
