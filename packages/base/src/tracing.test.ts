import { expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import { startTraceReceiver } from "@windshift/testing/trace-receiver.ts";
import { formatTraceparent, idOf, newSpanId, openTracing, parseTraceparent } from "./tracing.ts";
import { tracingSettings } from "./tracing-settings.ts";

const options = { service: "test", version: "1", instance: "here", headers: {} };
const span = {
  name: "step",
  traceId: idOf(32, "trace"),
  spanId: idOf(16, "span"),
  startMs: 1_800_000_000_000,
  endMs: 1_800_000_001_500,
  attributes: { "windshift.run": 7 },
};

test("a span arrives with the ids, times and parent that it was given", async () => {
  const receiver = startTraceReceiver();
  const tracing = await openTracing({
    ...options,
    endpoint: `${receiver.url}/`,
    headers: { "x-key": "abc" },
    onProblem: (message) => expect(message).toBe("no problem"),
  });
  tracing?.ended({ ...span, parentId: undefined });
  tracing?.ended({ ...span, spanId: idOf(16, "child"), parentId: span.spanId, failed: "timed_out" });
  await tracing?.close();
  expect(receiver.spans).toMatchObject([
    { ...span, service: "test", attributes: { "windshift.run": 7 } },
    {
      ...{ traceId: span.traceId, spanId: idOf(16, "child"), parentSpanId: span.spanId },
      status: { code: 2, message: "timed_out" },
    },
  ]);
  expect(receiver.spans[0]?.parentSpanId ?? "").toBe("");
  expect(receiver.requests[0]?.headers).toContain('["x-key","abc"]');
  await receiver.stop();
});

test("a receiver that refuses is told as a problem, without the key it was sent", async () => {
  const refusing = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response("no", { status: 401 }),
  });
  const problems: string[] = [];
  const tracing = await openTracing({
    ...options,
    endpoint: `http://127.0.0.1:${refusing.port}`,
    headers: { "x-key": "a-secret-key" },
    onProblem: (message) => problems.push(message),
  });
  tracing?.ended({ ...span, parentId: undefined });
  await eventually("the problem is told", () => problems.length > 0, 30_000);
  await tracing?.close();
  expect(problems.join()).toContain("401");
  expect(problems.join()).not.toContain("a-secret-key");
  await refusing.stop(true);
}, 60_000);

test("without an address there is no tracing", async () => {
  expect(await openTracing({ ...options, endpoint: undefined, onProblem: () => {} })).toBeUndefined();
});

test("a traceparent is read back, and what is none is refused", () => {
  const context = { traceId: idOf(32, "t"), spanId: newSpanId() };
  expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
  for (const bad of [
    "",
    `00-${"0".repeat(32)}-${context.spanId}-01`,
    `00-${context.traceId}-${"0".repeat(16)}-01`,
    `01-${context.traceId}-${context.spanId}-01`,
    `00-${context.traceId.toUpperCase()}X-${context.spanId}-01`,
  ])
    expect(parseTraceparent(bad)).toBeUndefined();
});

test("headers are written as OpenTelemetry writes them", () => {
  const { schema } = tracingSettings.traceHeaders;
  expect(schema.parse("api-key=a%20b, x-team = agents")).toEqual({ "api-key": "a b", "x-team": "agents" });
  expect(schema.parse(undefined)).toEqual({});
  for (const bad of ["key", "ke y=1", "a=b=c\u00e9,d"]) expect(schema.safeParse(bad).success).toBe(false);
});
