import { afterEach, describe, expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import { chargeOf, hiddenTokens, StreamEstimate } from "./call-estimate.ts";
import {
  chunk,
  QUESTION,
  startBroker,
  startProvider,
  targetOf,
  USAGE_CHUNK,
  within,
  writableStream,
} from "./llm-broker.fixture.ts";
import { BUDGET_OUTPUT_TOKENS } from "./llm-limits.ts";
import { MemoryBudget } from "./memory-budget.fixture.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});
function keep<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}
const STREAM = { ...QUESTION, stream: true, max_tokens: 500 };

describe("budgets", () => {
  test("LB-08 of 50 calls at once only what fits goes out, and what is settled is what the provider counted", async () => {
    const usage = { prompt_tokens: 200, completion_tokens: 100 };
    const provider = keep(startProvider(() => Response.json({ choices: [], usage })));
    const budget = new MemoryBudget(5_000);
    // Of four runs, which share the budget, so that all of them are under way at once.
    const otherRuns = Array(3).fill(targetOf(provider.url));
    const broker = keep(startBroker(provider.url, { budget, otherRuns }));
    const calls = Array.from({ length: 50 }, (_, at) =>
      broker.post({ ...QUESTION, max_tokens: 500 }, { run: at % 4 }),
    );
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    const granted = statuses.filter((status) => status === 200).length;
    expect(statuses.filter((status) => status === 402)).toHaveLength(50 - granted);
    expect(granted).toBeGreaterThan(0);
    expect(provider.seen).toHaveLength(granted);
    expect(budget.spent).toBe(300 * granted);
    expect(budget.spent).toBeLessThanOrEqual(5_000);
    expect([budget.held, budget.charges.length]).toEqual([0, granted]);
    expect(broker.usage).toHaveLength(granted); // what was refused is not recorded
  });

  test("a call without a cap gets one at the provider while a budget holds, and none otherwise", async () => {
    const provider = keep(startProvider(() => Response.json({ choices: [] })));
    const budget = new MemoryBudget();
    await keep(startBroker(provider.url, { budget })).post(QUESTION);
    await keep(startBroker(provider.url, { budget })).post({ ...QUESTION, max_completion_tokens: 7 });
    await keep(startBroker(provider.url)).post(QUESTION);
    const sent = provider.seen.map(({ body }) => JSON.parse(body));
    expect(sent.map(({ max_tokens, max_completion_tokens }) => [max_tokens, max_completion_tokens])).toEqual([
      [BUDGET_OUTPUT_TOKENS, undefined],
      [7, undefined],
      [undefined, undefined],
    ]);
    expect(budget.estimates.map(({ outputTokens }) => outputTokens)).toEqual([BUDGET_OUTPUT_TOKENS, 7]);
  });

  test("OpenAI itself gets the cap under its new name", async () => {
    const bodies: string[] = [];
    const record = async (_: URL, init: RequestInit) => {
      bodies.push(String(init.body));
      return Response.json({ choices: [] });
    };
    const budget = new MemoryBudget();
    for (const host of ["https://api.openai.com", "https://openai.com.evil.test"]) {
      await keep(startBroker(host, { budget, fetch: record })).post(QUESTION);
    }
    expect(bodies.map((body) => Object.keys(JSON.parse(body)).at(-1))).toEqual([
      "max_completion_tokens",
      "max_tokens",
    ]);
  });

  test("a refused, an unreachable and a lost call are settled once: with nothing, nothing, and an estimate", async () => {
    const refuses = keep(startProvider(() => Response.json({}, { status: 400 })));
    const gone = startProvider(() => new Response());
    await gone.close();
    const mute = keep(startProvider(() => new Promise<Response>(() => {})));
    const charges: unknown[] = [];
    for (const { url } of [refuses, gone, mute]) {
      const budget = new MemoryBudget();
      const broker = keep(startBroker(url, { budget, limits: { headerMsMax: 200 } }));
      await broker.post({ ...QUESTION, max_tokens: 500 });
      expect([budget.held, budget.charges.length]).toEqual([0, 1]);
      charges.push([budget.charges[0]?.estimated, budget.charges[0]?.usage.outputTokens]);
      expect(broker.usage[0]).toMatchObject({ ...budget.charges[0] });
    }
    expect(charges).toEqual([
      [false, 0],
      [false, 0],
      [true, 500],
    ]);
  });

  test("pictures count as pictures and not as text", async () => {
    const provider = keep(startProvider(() => Response.json({ choices: [] })));
    const budget = new MemoryBudget();
    const broker = keep(startBroker(provider.url, { budget, target: { images: true } }));
    const image_url = { url: `data:image/png;base64,${"A".repeat(1_000_000)}` };
    await broker.post({ messages: [{ role: "user", content: [{ type: "image_url", image_url }] }] });
    expect(budget.estimates[0]?.inputTokens).toBeLessThan(10_000);
  });
});

describe("LB-08 a call cannot ask for more than was reserved", () => {
  for (const caps of [
    { max_completion_tokens: 1, max_tokens: 9_000 },
    { max_completion_tokens: 9_000, max_tokens: 1 },
    { max_completion_tokens: 9_000 },
  ])
    test(JSON.stringify(caps), async () => {
      const provider = keep(startProvider(() => Response.json({ choices: [] })));
      const budget = new MemoryBudget();
      await keep(startBroker(provider.url, { budget })).post({ ...QUESTION, ...caps });
      const { max_tokens, max_completion_tokens } = JSON.parse(provider.seen[0]?.body ?? "{}");
      expect([max_tokens, max_completion_tokens]).toEqual([9_000, undefined]);
      expect(budget.estimates[0]?.outputTokens).toBe(9_000);
    });

  test("a reply that cannot be read is charged: it was made", async () => {
    const provider = keep(startProvider(() => new Response("<html>a reply in the wrong clothes</html>")));
    const budget = new MemoryBudget();
    expect((await keep(startBroker(provider.url, { budget })).post(QUESTION)).status).toBe(502);
    expect(budget.charges).toMatchObject([
      { estimated: true, usage: { outputTokens: BUDGET_OUTPUT_TOKENS } },
    ]);
  });
});

describe("LB-09 a caller that leaves a stream", () => {
  test("before anything was shown pays for what may have been thought by then", async () => {
    const stream = writableStream();
    const provider = keep(startProvider(() => stream.response()));
    const budget = new MemoryBudget();
    const broker = keep(startBroker(provider.url, { budget }));
    const caller = new AbortController();
    stream.write(": thinking\n\n");
    await broker.post(STREAM, { signal: caller.signal });
    caller.abort();
    await within(1_000, "the provider sees the connection close", stream.gone);
    await eventually("the call is settled", () => budget.charges.length === 1);
    expect(budget.charges[0]?.estimated).toBe(true);
    expect(budget.charges[0]?.usage.outputTokens).toBeGreaterThan(0);
    expect(hiddenTokens(10_000)).toBe(5_000);
  });

  test("just before the counts is charged by them, when the reply was complete", async () => {
    const stream = writableStream();
    const provider = keep(startProvider(() => stream.response()));
    const budget = new MemoryBudget();
    const broker = keep(startBroker(provider.url, { budget }));
    stream.write(chunk("one"));
    stream.write('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}\n\n');
    const caller = new AbortController();
    const reader = (await broker.post(STREAM, { signal: caller.signal })).body?.getReader();
    for (let text = ""; !text.includes("finish_reason"); ) {
      text += Buffer.from((await reader?.read())?.value ?? []).toString();
    }
    caller.abort();
    stream.write(USAGE_CHUNK);
    await eventually("the call is settled", () => budget.charges.length === 1);
    expect(budget.charges).toMatchObject([{ usage: { inputTokens: 11, outputTokens: 5 }, estimated: false }]);
    await within(1_000, "the provider sees the connection close", stream.gone);
    expect(broker.usage).toMatchObject([{ status: 499 }]);
  });

  test("is charged an estimate when the counts do not come within the time to drain", async () => {
    const stream = writableStream();
    const provider = keep(startProvider(() => stream.response()));
    const budget = new MemoryBudget();
    const broker = keep(startBroker(provider.url, { budget, limits: { drainMsMax: 50 } }));
    stream.write('data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}\n\n');
    const caller = new AbortController();
    await (await broker.post(STREAM, { signal: caller.signal })).body?.getReader().read();
    caller.abort();
    await within(1_000, "the provider sees the connection close", stream.gone);
    await eventually("the call is settled", () => budget.charges.length === 1);
    expect(budget.charges).toMatchObject([{ estimated: true }]);
  });
});

test("what a stream made is estimated rather too high, and never over its cap", () => {
  const frame = (text: string) =>
    `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":${JSON.stringify(text)}}}]}\n\n`;
  const estimate = new StreamEstimate();
  for (let at = 0; at < 100; at++) estimate.add(Buffer.from(frame("word") + frame(" and")));
  expect(estimate.outputTokens).toBe(200);
  const long = new StreamEstimate();
  long.add(Buffer.from(frame("x ".repeat(5_000))));
  expect(long.outputTokens).toBeGreaterThan(4_500);
  const alive = new StreamEstimate();
  alive.add(Buffer.from(": still here\n\n".repeat(100)));
  expect(alive.outputTokens).toBe(0);
  const cap = { inputTokens: 10, outputTokens: 100 };
  expect(chargeOf(undefined, cap, 5_000)).toMatchObject({
    usage: { inputTokens: 10, outputTokens: 100 },
    estimated: true,
  });
});
