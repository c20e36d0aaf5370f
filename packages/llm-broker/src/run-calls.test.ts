import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { ErrorBody } from "@windshift/contract/app-error.ts";
import { LLM_RUN_CALLS_MAX } from "@windshift/contract/limits.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import {
  type BrokerFixture,
  chunk,
  DONE_CHUNK,
  QUESTION,
  startBroker,
  startProvider,
  targetOf,
  USAGE_CHUNK,
} from "./llm-broker.fixture.ts";
import { LLM_RUN_QUEUED_CALLS_MAX, type LlmLimits, QUEUE_RETRY_AFTER_S } from "./llm-limits.ts";

const REPLY = { choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } };

/** Answers none of its calls until it is told to. */
function startHeldProvider() {
  const held: ((response: Response) => void)[] = [];
  const provider = startProvider(() => new Promise<Response>((resolve) => held.push(resolve)));
  return { ...provider, held, answerOne: () => held.shift()?.(Response.json(REPLY)) };
}

describe("the calls of one run", () => {
  let provider: ReturnType<typeof startHeldProvider>;
  let broker: BrokerFixture;
  const start = (limits: Partial<LlmLimits> = {}) => {
    broker = startBroker(provider.url, { limits, otherRuns: [targetOf(provider.url)] });
  };
  beforeEach(() => {
    provider = startHeldProvider();
  });
  afterEach(async () => {
    await broker.close();
    await provider.close();
  });

  test("wait for each other past sixteen at once, over a connection without a limit, and all are answered", async () => {
    start();
    let most = 0;
    const calls = Array.from({ length: LLM_RUN_CALLS_MAX + LLM_RUN_QUEUED_CALLS_MAX }, () =>
      broker.post(QUESTION),
    );
    for (let answered = 0; answered < calls.length; answered++) {
      const due = Math.min(LLM_RUN_CALLS_MAX, calls.length - answered);
      await eventually(`${due} calls are out`, () => provider.held.length >= due);
      most = Math.max(most, provider.held.length);
      provider.answerOne();
    }
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(Array(calls.length).fill(200));
    expect(most).toBe(LLM_RUN_CALLS_MAX);
    expect(broker.usage).toHaveLength(calls.length);
  });

  test("are refused past those that may wait, with the time to come back", async () => {
    start({ callsPerRunMax: 1, queuedCallsPerRunMax: 1 });
    const first = broker.post(QUESTION);
    await eventually("the first call is out", () => provider.held.length === 1);
    const more = [broker.post(QUESTION), broker.post(QUESTION)];
    const refused = await Promise.race(more);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, String(QUEUE_RETRY_AFTER_S)]);
    const { error } = ErrorBody.parse(await refused.json());
    expect(error).toMatchObject({ code: "rate_limited", message: expect.stringContaining("1 model calls") });
    provider.answerOne();
    await eventually("the one that waited is out", () => provider.seen.length === 2);
    provider.answerOne();
    const statuses = (await Promise.all([first, ...more])).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 200, 429]);
    expect(broker.usage).toHaveLength(2); // what never left is not recorded
  });

  test("do not hold up another run", async () => {
    start({ callsPerRunMax: 1, queuedCallsPerRunMax: 1 });
    const first = broker.post(QUESTION);
    await eventually("the first call is out", () => provider.held.length === 1);
    const other = broker.post(QUESTION, { run: 1 });
    await eventually("the other run's call is out", () => provider.held.length === 2);
    provider.answerOne();
    provider.answerOne();
    expect([(await first).status, (await other).status]).toEqual([200, 200]);
  });

  test("that wait end with their caller, with the run and with the wait for a header", async () => {
    start({ callsPerRunMax: 1, headerMsMax: 60_000 });
    const first = broker.post(QUESTION);
    await eventually("the first call is out", () => provider.held.length === 1);
    const caller = new AbortController();
    const left = broker.post(QUESTION, { signal: caller.signal }).catch(() => "left");
    const waiting = broker.post(QUESTION);
    caller.abort();
    expect(await left).toBe("left");
    broker.endRun.abort();
    expect([(await first).status, (await waiting).status]).toEqual([403, 403]);
    expect(provider.seen).toHaveLength(1);
    await broker.close();

    start({ callsPerRunMax: 1, headerMsMax: 100 });
    const late = [broker.post(QUESTION), broker.post(QUESTION)];
    expect((await Promise.all(late)).map(({ status }) => status)).toEqual([504, 504]);
    const before = provider.seen.length;
    await eventually("there is room again", async () => {
      await broker.post(QUESTION);
      return provider.seen.length > before;
    });
  });
});

test("a call of a run counts until its stream ended, and a refused, a failed and a left one make room", async () => {
  const open: ReadableStreamDefaultController<Uint8Array>[] = [];
  const answers = ["stream", "refuse", "redirect", "stream", "stream", "stream"];
  const provider = startProvider(() => {
    const answer = answers.shift();
    if (answer === "refuse") return Response.json({}, { status: 400 });
    if (answer === "redirect") return Response.redirect("http://127.0.0.1:1/", 302);
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(Buffer.from(chunk("one")));
        open.push(controller);
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  });
  const broker = startBroker(provider.url, { limits: { callsPerRunMax: 1, queuedCallsPerRunMax: 1 } });
  const stream = { ...QUESTION, stream: true };
  try {
    const text = (await broker.post(stream)).text();
    const more = [broker.post(stream), broker.post(stream)].map(async (call) => (await call).status);
    expect(await Promise.race(more)).toBe(429); // so the other one waits
    expect(provider.seen).toHaveLength(1);
    open[0]?.enqueue(Buffer.from(USAGE_CHUNK + DONE_CHUNK));
    open[0]?.close();
    expect(await text).toEndWith(DONE_CHUNK);
    expect((await Promise.all(more)).sort()).toEqual([400, 429]);
    expect((await broker.post(stream)).status).toBe(502);
    const caller = new AbortController();
    await (await broker.post(stream, { signal: caller.signal })).body?.getReader().read();
    const waiting = broker.post(stream);
    caller.abort();
    expect((await waiting).status).toBe(200);
  } finally {
    await broker.close();
    await provider.close();
  }
});
