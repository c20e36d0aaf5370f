import { afterEach, describe, expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import {
  chunk,
  DONE_CHUNK,
  QUESTION,
  startBroker,
  startProvider,
  targetOf,
  within,
} from "./llm-broker.fixture.ts";
import { MemoryBudget } from "./memory-budget.fixture.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});
function keep<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}

const INPUT_TOKENS = 11;
/** Tokens of the reply, one an event, as a model sends them. */
const WORDS = Array.from({ length: 40 }, (_, at) => `word${at} `);
const WORD = /word\d+ /g;
const SEEDS = 1_000;
/** Callers at once, each of a run of its own, so that a call's record is known by its run. */
const CALLERS = 25;
const PIECE_BYTES = 64;

/** One shape of streamed reply: what it looks like, and where its counts begin. */
const CHAT = {
  path: "/v1/chat/completions",
  whole:
    WORDS.map(chunk).join("") +
    'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n' +
    `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: INPUT_TOKENS, completion_tokens: WORDS.length } })}\n\n` +
    DONE_CHUNK,
  counts: '"finish_reason"',
};
const event = (type: string, fields: object) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
const MESSAGES = {
  path: "/v1/messages",
  whole:
    event("message_start", { message: { usage: { input_tokens: INPUT_TOKENS, output_tokens: 1 } } }) +
    WORDS.map((text) => event("content_block_delta", { index: 0, delta: { type: "text_delta", text } })).join(
      "",
    ) +
    event("content_block_stop", { index: 0 }) +
    event("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: WORDS.length } }) +
    event("message_stop", {}),
  counts: "content_block_stop",
};

/** A provider whose reply comes in small pieces; knows how many of its streams are open. */
function startPieces(whole: string) {
  const state = { streaming: 0 };
  const provider = startProvider(() => {
    state.streaming++;
    let from = 0;
    const body = new ReadableStream({
      pull: async (controller) => {
        await Bun.sleep(0);
        controller.enqueue(Buffer.from(whole.slice(from, from + PIECE_BYTES)));
        from += PIECE_BYTES;
        if (from < whole.length) return;
        state.streaming--;
        controller.close();
      },
      cancel: () => void state.streaming--,
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  });
  return Object.assign(keep(provider), { state });
}

/** A call that its caller left, and what it was charged. */
interface LeftCall {
  text: string;
  usage: { inputTokens: number; outputTokens: number };
  estimated: boolean;
}

/** Calls whose callers leave after so many bytes each; resolves when all are settled and recorded. */
async function leaveAfter(
  shape: typeof CHAT,
  leaveAt: readonly number[],
): Promise<{ calls: LeftCall[]; budget: MemoryBudget }> {
  const provider = startPieces(shape.whole);
  const budget = new MemoryBudget();
  const target = { provider: "anthropic" } as const;
  const otherRuns = Array(CALLERS - 1).fill(targetOf(provider.url, target));
  const broker = keep(startBroker(provider.url, { target, otherRuns, budget }));
  const body = { ...QUESTION, stream: true, max_tokens: 500 };
  const left = [...leaveAt];
  const calls: LeftCall[] = [];
  const ownOf = (run: number) => broker.usage.filter(({ runId }) => runId === 7 + run);
  const callers = Array.from({ length: CALLERS }, async (_, run) => {
    for (let at = left.pop(); at !== undefined; at = left.pop()) {
      const before = ownOf(run).length;
      const caller = new AbortController();
      const text = await readUntil(
        await broker.post(body, { run, path: shape.path, signal: caller.signal }),
        at,
      );
      caller.abort();
      await eventually("the call is recorded", () => ownOf(run).length === before + 1);
      const { usage, estimated } = ownOf(run)[before] ?? expect.unreachable();
      calls.push({ text, usage, estimated });
    }
  });
  await Promise.all(callers);
  await eventually("no stream of the provider is open", () => provider.state.streaming === 0);
  return { calls, budget };
}

async function readUntil(response: Response, bytes: number): Promise<string> {
  const reader = response.body?.getReader();
  let text = "";
  while (text.length < bytes) {
    const { value } = (await reader?.read()) ?? {};
    if (value === undefined) break;
    text += Buffer.from(value).toString();
  }
  return text;
}

function expectCharged(calls: readonly LeftCall[], budget: MemoryBudget, count: number): void {
  expect([calls.length, budget.charges.length, budget.held]).toEqual([count, count, 0]);
  for (const { text, usage, estimated } of calls) {
    const sent = (text.match(WORD) ?? []).length;
    expect(usage.inputTokens).toBeGreaterThanOrEqual(INPUT_TOKENS);
    expect(usage.outputTokens).toBeGreaterThanOrEqual(sent);
    if (!estimated) expect([usage.inputTokens, usage.outputTokens]).toEqual([INPUT_TOKENS, WORDS.length]);
  }
  const recorded = calls.reduce((sum, { usage }) => sum + usage.inputTokens + usage.outputTokens, 0);
  expect(budget.spent).toBe(recorded);
}

for (const shape of [CHAT, MESSAGES]) {
  describe(`LB-09 by ${shape.path}`, () => {
    test("1,000 callers that leave at a random byte pay once each, and at least what they were sent", async () => {
      const leaveAt = Array.from(
        { length: SEEDS },
        (_, seed) => 1 + (randomOf(seed) % (shape.whole.length - 1)),
      );
      const { calls, budget } = await leaveAfter(shape, leaveAt);
      expectCharged(calls, budget, SEEDS);
      // Both kinds of charge came about, or the test would show nothing.
      expect(calls.some(({ estimated }) => estimated)).toBe(true);
      expect(calls.some(({ estimated }) => !estimated)).toBe(true);
    }, 60_000);

    test("a caller that leaves at any byte from the end of the text to the counts pays for all of it", async () => {
      const from = shape.whole.indexOf(shape.counts);
      const leaveAt = Array.from({ length: shape.whole.length - from }, (_, at) => from + at);
      const { calls, budget } = await leaveAfter(shape, leaveAt);
      expectCharged(calls, budget, leaveAt.length);
      for (const { text, usage } of calls) {
        expect((text.match(WORD) ?? []).length).toBe(WORDS.length);
        expect(usage.outputTokens).toBeGreaterThanOrEqual(WORDS.length);
      }
    }, 60_000);
  });
}

test("LB-09 a caller that leaves does not get the counts for nothing by leaving while they are on their way", async () => {
  const gone = Promise.withResolvers<void>();
  let write: ((text: string) => void) | undefined;
  const provider = keep(
    startProvider(() => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          write = (text) => controller.enqueue(Buffer.from(text));
          write(WORDS.map(chunk).join(""));
          write('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n');
        },
        cancel: () => gone.resolve(),
      });
      return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
    }),
  );
  const budget = new MemoryBudget();
  const broker = keep(startBroker(provider.url, { budget, limits: { drainMsMax: 200 } }));
  const caller = new AbortController();
  const response = await broker.post(
    { ...QUESTION, stream: true, max_tokens: 500 },
    { signal: caller.signal },
  );
  expect(await readUntil(response, CHAT.whole.indexOf('"stop"'))).toContain("word39");
  caller.abort();
  // The counts never come: after the time to drain it is an estimate, and the provider is let go.
  await within(2_000, "the provider sees the connection close", gone.promise);
  await eventually("the call is settled", () => budget.charges.length === 1);
  expect(budget.charges[0]?.estimated).toBe(true);
  expect(budget.charges[0]?.usage.outputTokens).toBeGreaterThanOrEqual(WORDS.length);
});

/** A number for each seed, the same each time (xorshift). */
function randomOf(seed: number): number {
  let state = (seed + 1) * 2_654_435_761;
  for (const shift of [13, -17, 5]) state ^= shift > 0 ? state << shift : state >>> -shift;
  return state >>> 0;
}
