import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { Binding } from "@windshift/contract/api/binding.ts";
import { AgentRunDetail, AgentRunList } from "@windshift/contract/api/run.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { readScenarios } from "@windshift/testing/scenario.ts";
import { type ScriptedModel, startScriptedModel } from "@windshift/testing/scripted-model.ts";
import {
  type ReceivedSpan,
  startTraceReceiver,
  type TraceReceiver,
} from "@windshift/testing/trace-receiver.ts";
import { type BuiltWorkspace, buildWorkspace } from "@windshift/testing/workspace-builder.ts";
import { z } from "zod";
import { type Product, startProduct } from "./product.ts";
import { createRunnerHost, type RunnerProcess } from "./runner-process.ts";

const API_KEY = "provider-key-of-the-tracing-test";
const RECEIVER_KEY = "key-of-the-receiver-0123456789";
const RUN_MS_MAX = 120_000;
const TITLE = "A title that people wrote";

let product: Product;
let receiver: TraceReceiver;
let model: ScriptedModel;
let workspace: BuiltWorkspace;
let runner: RunnerProcess | undefined;
const traces = () => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
  OTEL_EXPORTER_OTLP_HEADERS: `x-key=${RECEIVER_KEY}`,
});

beforeAll(async () => {
  const [scenario] = readScenarios(join(import.meta.dir, "scenarios"));
  if (scenario === undefined) throw new Error("there are no scenarios");
  receiver = startTraceReceiver();
  product = await startProduct("tracing", traces());
  model = await startScriptedModel({ script: scenario.model, apiKey: API_KEY });
  workspace = await buildWorkspace(product.api, {
    key: "TRACE",
    name: "Trace",
    projectDir: scenario.projectDir,
    repositoryName: "project",
    agentName: "Agent",
    llm: { baseUrl: model.url, apiKey: API_KEY, model: "scripted-model" },
  });
}, RUN_MS_MAX);
afterAll(async () => {
  runner?.signal("SIGKILL");
  await runner?.exited;
  await product?.stop();
  await model?.stop();
  await receiver?.stop();
}, 60_000);

/** What every run with a pull request is made of, by the span that it is a part of. */
const OF_THE_SERVER = {
  run: ["assignment", "attempt", "queued"],
  attempt: ["agent", "claimed", "exporting", "preparing", "publishing", "pushing"],
  agent: ["model call"],
  publishing: ["link item", "open pull request", "post comment", "verify branch"],
};
const OF_THE_RUNNER = [
  "agent container",
  "create agent container",
  "create export container",
  "export container",
  "git checkout",
  "git push",
  "report",
];

test(
  "a run of the server's own runner is one trace, from its assignment to its pull request",
  async () => {
    await expectTrace(await work(), "windshift");
  },
  RUN_MS_MAX + 30_000,
);

test(
  "a run of a runner host is one trace, to which the host adds its part",
  async () => {
    const host = await createRunnerHost(product, "traced");
    const { bindings } = await product.api.get(
      "/api/v1/workspaces/TRACE/bindings",
      z.object({ bindings: z.array(Binding) }),
    );
    for (const { id } of bindings)
      await product.api.patch(`/api/v1/bindings/${id}`, { pool: host.pool.name }, Binding);
    runner = host.start(traces());
    await expectTrace(await work(), "windshift-runner");
  },
  RUN_MS_MAX + 30_000,
);

async function work(): Promise<AgentRunDetail> {
  const item = await workspace.createItem({ title: TITLE, description: "Please." }, true);
  const run = await eventually(
    "the run ends",
    async () => {
      const { runs } = await product.api.get(`/api/v1/items/${item.key}/agent-runs`, AgentRunList);
      const detail = await product.api.get(`/api/v1/agent-runs/${runs[0]?.id}`, AgentRunDetail);
      return isTerminal(detail.status) ? detail : undefined;
    },
    RUN_MS_MAX,
  );
  expect([run.status, run.detail]).toEqual(["succeeded", null]);
  return run;
}

async function expectTrace(run: AgentRunDetail, runnersService: string): Promise<void> {
  const root = await eventually(
    "the trace is written",
    () =>
      receiver.spans.find(({ name, attributes }) => name === "run" && attributes["windshift.run"] === run.id),
    30_000,
  );
  const of = () => receiver.spans.filter(({ traceId }) => traceId === root.traceId);
  const ofTheRunner = () => of().filter(({ name }) => OF_THE_RUNNER.includes(name));
  await eventually("the runner's part is there", () => ofTheRunner().length === OF_THE_RUNNER.length, 30_000);
  expect(root).toMatchObject({ service: "windshift", attributes: { "windshift.status": "succeeded" } });
  expect(root.parentSpanId ?? "").toBe("");
  const below = (parent: ReceivedSpan) => of().filter(({ parentSpanId }) => parentSpanId === parent.spanId);
  const names = (spans: ReceivedSpan[]) => [...new Set(spans.map(({ name }) => name))].sort();
  const named = (name: string) => of().find((span) => span.name === name) ?? root;
  for (const [parent, parts] of Object.entries(OF_THE_SERVER)) {
    const found = below(named(parent)).filter(({ name }) => !OF_THE_RUNNER.includes(name));
    expect([parent, names(found)]).toEqual([parent, parts]);
  }
  const attempt = named("attempt");
  for (const span of ofTheRunner())
    expect([span.name, span.service, span.parentSpanId]).toEqual([span.name, runnersService, attempt.spanId]);
  for (const span of of()) expect([span.name, span.startMs <= span.endMs]).toEqual([span.name, true]);
  expect(below(named("agent"))).toHaveLength(root.attributes["windshift.model_calls"] as number);
  if (runnersService === "windshift-runner") {
    const taken = () => below(named("report")).find(({ name }) => name === "take report");
    const span = await eventually("the server's part of the report is there", taken, 30_000);
    expect(span.service).toBe("windshift");
  }
  expectNothingPrivate();
}

/** Nothing that people wrote or named, and no secret, but the receiver's own key in its own header. */
function expectNothingPrivate(): void {
  const bodies = receiver.requests.map(({ body }) => body).join("\n");
  const { repository, key } = workspace;
  for (const text of [TITLE, key, repository.name, "Agent", "Ada", API_KEY, RECEIVER_KEY, "scripted-model"])
    expect([text, bodies.includes(text)]).toEqual([text, false]);
  expect(bodies).not.toMatch(/ws(rt|rc|t|run)_/);
  for (const { headers } of receiver.requests) expect(headers).toContain(RECEIVER_KEY);
}
