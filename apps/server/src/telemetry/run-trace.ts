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
  const { run } = facts;
  const root = ids.span(run.id, "run");
  const part = (name: string, words: (string | number)[], parentId: string | undefined) => ({
    name,
    traceId: ids.trace(run.id),
    spanId: ids.span(run.id, ...words),
    parentId,
  });
  const firstClaimMs = facts.attempts[0]?.claimedAtMs ?? run.endedAtMs;
  const spans: EndedSpan[] = [
    {
      ...part("run", ["run"], undefined),
      startMs: run.createdAtMs,
      endMs: run.endedAtMs,
      attributes: {
        "windshift.run": run.id,
        "windshift.trigger": run.trigger,
        "windshift.status": run.status,
        "windshift.reason": run.reason,
        "windshift.attempts": facts.attempts.length,
        "windshift.model_calls": facts.modelCalls,
      },
      failed: run.status === "failed" ? run.reason : undefined,
    },
    {
      ...part("assignment", ["assignment"], root),
      startMs: run.createdAtMs,
      endMs: run.createdAtMs,
      attributes: { "windshift.trigger": run.trigger },
    },
    {
      ...part("queued", ["queued"], root),
      startMs: run.createdAtMs,
      endMs: firstClaimMs,
      attributes: { "windshift.pool": run.pool },
    },
  ];
  for (const { attempt, claimedAtMs, endedAtMs, outcome, phases } of facts.attempts) {
    const parent = ids.span(run.id, "attempt", attempt);
    spans.push({
      ...part("attempt", ["attempt", attempt], root),
      startMs: claimedAtMs,
      endMs: endedAtMs,
      attributes: { "windshift.attempt": attempt, "windshift.outcome": outcome },
      failed: outcome === "interrupted" || outcome === "failed" ? outcome : undefined,
    });
    for (const phase of phases)
      spans.push({
        ...part(phase.name, ["attempt", attempt, phase.name], parent),
        startMs: phase.startMs,
        endMs: phase.endMs,
        attributes: { "windshift.attempt": attempt },
      });
  }
  for (const call of facts.calls)
    spans.push({
      ...part("model call", ["call", call.id], agentOf(facts, call.attempt, ids)),
      startMs: call.startMs,
      endMs: call.endMs,
      attributes: {
        "windshift.attempt": call.attempt,
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": call.inputTokens,
        "gen_ai.usage.output_tokens": call.outputTokens,
        "http.response.status_code": call.status,
      },
      failed: call.status < 400 ? undefined : String(call.status),
    });
  const publishing = ids.span(run.id, "attempt", facts.attempts.at(-1)?.attempt ?? 0, "publishing");
  for (const step of facts.steps)
    spans.push({
      ...part(step.name.replaceAll("_", " "), ["step", step.name], publishing),
      startMs: step.startMs,
      endMs: step.endMs,
      attributes: { "windshift.tries": step.tries },
      failed: step.failed ? "failed" : undefined,
    });
  return spans;
}

/** A call belongs to the agent's phase of its attempt, if that is known. */
function agentOf(facts: RunFacts, attempt: number, ids: RunTraceIds): string {
  const { id } = facts.run;
  const of = facts.attempts.find((one) => one.attempt === attempt);
  const known = of?.phases.some(({ name }) => name === "agent") === true;
  return known ? ids.span(id, "attempt", attempt, "agent") : ids.span(id, "attempt", attempt);
}
