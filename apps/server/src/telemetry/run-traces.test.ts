import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { type EndedSpan, parseTraceparent } from "@windshift/base/tracing.ts";
import type { RunId } from "@windshift/contract/ids.ts";
import { buildJob } from "@windshift/testing/jobs.ts";
import { createLog } from "../log.ts";
import { triggerRun } from "../runs/run-triggers.ts";
import { createRunFixture, type RunFixture } from "../testing/run-fixture.ts";
import { CALLS_MAX } from "./run-trace-store.ts";
import { RunTraces } from "./run-traces.ts";

setDefaultTimeout(60_000);

const T = 1_800_000_000_000;
const KEY = "key of this installation";
let fix: RunFixture;
let run: RunId;

beforeEach(async () => {
  fix = await createRunFixture(1);
  const workspaceId = fix.workspaces[0] as number;
  const workItemId = await fix.createItem(workspaceId);
  const wish = { workspaceId, workItemId, agentUserId: fix.agent, requestedBy: fix.person };
  const made = await fix.database.transaction((tx) =>
    triggerRun(fix.database, tx, { ...wish, trigger: "assignee" }, { llmModel: undefined }, undefined),
  );
  run = made.run;
});
afterEach(() => fix.close());

async function end(over: { status: string; reason: string; ended_at_ms: number | null }): Promise<void> {
  const changed = { ...over, created_at_ms: T };
  await fix.database.kysely.updateTable("runs").set(changed).where("id", "=", run).execute();
}

async function addAttempt(attempt: number, outcome: string, times: Record<string, number>): Promise<void> {
  const { claimed = 0, ended = 0, ...phases } = times;
  const db = fix.database.kysely;
  await db
    .insertInto("run_attempts")
    .values({
      ...{ run_id: run, attempt, runner_id: fix.runner, outcome },
      ...{ claimed_at_ms: T + claimed, ended_at_ms: T + ended },
    })
    .execute();
  for (const [phase, at] of Object.entries(phases))
    await db
      .insertInto("run_phases")
      .values({ run_id: run, attempt, phase, started_at_ms: T + at })
      .execute();
}

async function addCalls(calls: { attempt: number; status: number; at: number }[]): Promise<void> {
  const rows = calls.map(({ attempt, status, at }) => ({
    ...{ run_id: run, attempt, status, model: "m", input_tokens: 10, output_tokens: null },
    ...{ duration_ms: 50, created_at_ms: T + at },
  }));
  await fix.database.kysely.insertInto("run_usage").values(rows).execute();
}

/** What is sent when the run ends with this status. */
async function written(status: "succeeded" | "failed" | "waiting"): Promise<EndedSpan[]> {
  const spans: EndedSpan[] = [];
  const tracing = { ended: (span: EndedSpan) => void spans.push(span), close: async () => {} };
  const log = createLog("error", (line) => expect(line).toBe("no error"));
  const traces = new RunTraces(fix.database, tracing, log, KEY);
  const counted: string[] = [];
  const figures = traces.beside({
    eventsAppended: () => {},
    runEnded: (ended) => void counted.push(ended),
  });
  figures.runEnded(status, "completed", run);
  await traces.close();
  expect(counted).toEqual([status]);
  return spans;
}

test("a run of two attempts is one trace: each part below what it is a part of, with its times and failures", async () => {
  await addAttempt(1, "interrupted", { claimed: 100, preparing: 200, agent: 300, ended: 400 });
  await addAttempt(2, "succeeded", { claimed: 500, preparing: 510, agent: 600, publishing: 900, ended: 990 });
  await addCalls([
    { attempt: 1, status: 502, at: 390 },
    { attempt: 2, status: 200, at: 700 },
  ]);
  await fix.database.kysely
    .insertInto("run_steps")
    .values([
      { run_id: run, step: "verify_branch", status: "done", tries: 0, detail: null, updated_at_ms: T + 910 },
      {
        run_id: run,
        step: "open_pull_request",
        status: "done",
        tries: 1,
        detail: null,
        updated_at_ms: T + 960,
      },
      { run_id: run, step: "link_item", status: "pending", tries: 0, detail: null, updated_at_ms: T + 900 },
    ])
    .execute();
  await end({ status: "succeeded", reason: "completed", ended_at_ms: T + 1_000 });
  const spans = await written("succeeded");
  const nameOf = (id: string | undefined) => {
    const found = spans.find(({ spanId }) => spanId === id);
    return found && [found.name, found.attributes["windshift.attempt"]].filter(Boolean).join(" ");
  };
  const told = spans.map((span) => [
    nameOf(span.parentId) ?? "",
    nameOf(span.spanId) ?? "",
    span.startMs - T,
    span.endMs - T,
    span.failed ?? "",
  ]);
  expect(told).toEqual([
    ["", "run", 0, 1_000, ""],
    ["run", "assignment", 0, 0, ""],
    ["run", "queued", 0, 100, ""],
    ["run", "attempt 1", 100, 400, "interrupted"],
    ["attempt 1", "claimed 1", 100, 200, ""],
    ["attempt 1", "preparing 1", 200, 300, ""],
    ["attempt 1", "agent 1", 300, 400, ""],
    ["run", "attempt 2", 500, 990, ""],
    ["attempt 2", "claimed 2", 500, 510, ""],
    ["attempt 2", "preparing 2", 510, 600, ""],
    ["attempt 2", "agent 2", 600, 900, ""],
    ["attempt 2", "publishing 2", 900, 990, ""],
    ["agent 1", "model call 1", 340, 390, "502"],
    ["agent 2", "model call 2", 650, 700, ""],
    ["publishing 2", "verify branch", 900, 910, ""],
    ["publishing 2", "open pull request", 910, 960, ""],
  ]);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  expect(await written("succeeded")).toEqual(spans);
});

test("the job of an attempt names the span of that attempt, and another installation has other ids", async () => {
  await addAttempt(1, "failed", { claimed: 100, ended: 200 });
  await end({ status: "failed", reason: "agent_failed", ended_at_ms: T + 300 });
  const spans = await written("failed");
  const job = buildJob({ run, attempt: 1 });
  const contextOf = (key: string) => {
    const tracing = { ended: () => {}, close: async () => {} };
    const traces = new RunTraces(fix.database, tracing, createLog("error"), key);
    return parseTraceparent(traces.traced(job).traceparent ?? "");
  };
  const attempt = spans.find(({ name }) => name === "attempt");
  expect(contextOf(KEY)).toEqual({ traceId: attempt?.traceId ?? "", spanId: attempt?.spanId ?? "" });
  expect(contextOf("another")).not.toEqual(contextOf(KEY));
  expect(spans[0]).toMatchObject({ name: "run", failed: "agent_failed" });
});

test("a runner's span is followed into the run's own trace and into no other", () => {
  const spans: EndedSpan[] = [];
  const tracing = { ended: (span: EndedSpan) => void spans.push(span), close: async () => {} };
  const traces = new RunTraces(fix.database, tracing, createLog("error"), KEY);
  const { traceparent } = traces.traced(buildJob({ run }));
  const part = { name: "take report", run, startMs: T };
  for (const other of [undefined, "", "x", `00-${"a".repeat(32)}-${"b".repeat(16)}-01`])
    traces.add({ ...part, traceparent: other });
  traces.add({ ...part, run: run + 1, traceparent });
  expect(spans).toEqual([]);
  traces.add({ ...part, traceparent });
  const { traceId, spanId } = parseTraceparent(traceparent ?? "") ?? {};
  expect(spans).toMatchObject([{ name: "take report", traceId, parentId: spanId, startMs: T }]);
});

test("a run that waits for a person has no trace yet, and one with very many calls has the first of them", async () => {
  await end({ status: "waiting", reason: "needs_info", ended_at_ms: null });
  expect(await written("waiting")).toEqual([]);
  await addAttempt(1, "succeeded", { claimed: 100, agent: 200, ended: 900 });
  const calls = Array.from({ length: CALLS_MAX + 5 }, (_, at) => ({ attempt: 1, status: 200, at: 300 + at }));
  await addCalls(calls);
  await end({ status: "succeeded", reason: "completed", ended_at_ms: T + 1_000 });
  const spans = await written("succeeded");
  expect(spans.filter(({ name }) => name === "model call")).toHaveLength(CALLS_MAX);
  expect(spans[0]?.attributes["windshift.model_calls"]).toBe(CALLS_MAX + 5);
});
