import { expect, test } from "bun:test";
import {
  factsIn,
  finish,
  runInWindow,
  summary,
  TASK,
  type WindowRun,
  work,
  working,
} from "../testing/window-run.ts";

function expectAllFacts({ agent, code }: WindowRun): void {
  expect(agent.list("error")).toEqual([]);
  expect(code).toBe(0);
  expect(factsIn(agent.only("finish").summary)).toHaveLength(10);
}

/** Share of all bytes that repeat the beginning of the request before: what a provider's prompt cache can hit. */
function cachedShare(texts: readonly string[]): number {
  let cached = 0;
  for (const [at, text] of texts.entries()) {
    const before = texts[at - 1] ?? "";
    let same = 0;
    while (same < text.length && text[same] === before[same]) same++;
    cached += same;
  }
  return cached / texts.join("").length;
}

for (const [turns, stream] of [
  [300, ""],
  [60, "1"],
] as const)
  test(`${turns} turns of 40 KB in a window of 32k end with the task done, none over the window${stream && ", streamed"}`, async () => {
    const options = { window: 32_000, told: () => 32_000, turn: working(turns - 1), summary };
    await runInWindow(options, { env: { LLM_STREAM: stream } }, (run) => {
      expectAllFacts(run);
      const { agent, model } = run;
      expect(model.count("refused")).toBe(0);
      expect(model.count("turn")).toBe(turns);
      expect(model.requests.every(({ text }) => text.includes(TASK))).toBe(true);
      expect(model.count("summary")).toBeLessThan(turns / 10);
      expect(cachedShare(model.requests.map(({ text }) => text))).toBeGreaterThan(0.5);
      // Summaries cost money too, but are nothing the agent says.
      expect(agent.list("usage")).toHaveLength(model.requests.length);
      expect(agent.list("content")).toEqual([]);
      for (const { before, after } of agent.list("compaction")) expect(after).toBeLessThan(before);
    });
  }, 60_000);

test("a window of 4k does too", async () => {
  const turn = working(30);
  await runInWindow({ window: 4_000, turn, summary }, {}, (run) => {
    expectAllFacts(run);
    expect(run.model.requests.every(({ text }) => text.includes(TASK))).toBe(true);
  });
}, 30_000);

for (const [kind, print] of [
  ["base64", "head -c 30000 /dev/urandom | base64"],
  ["hex", "head -c 12000 /dev/urandom | od -An -tx1"],
  ["Chinese", "for i in $(seq 400); do echo 我们需要在上下文窗口满之前压缩对话; done"],
  ["code", "cat $(which bash) | strings | head -c 40000"],
] as const)
  for (const usage of [true, false])
    test(`${kind} after prose stays within the window${usage ? "" : ", with no figures from the provider"}`, async () => {
      const prose = 'yes "a line of the log, as programs write them day and night" | head -c 3000';
      const turn = working(24, print);
      const mixed: typeof turn = (request) =>
        request.number < 8 ? work(request.number, prose) : turn(request);
      await runInWindow({ window: 32_000, turn: mixed, summary, usage }, {}, (run) => {
        expect(run.code).toBe(0);
        expect(run.model.count("refused")).toBe(0);
      });
    }, 30_000);

test("a window that shrinks while it is in use holds from the next request on", async () => {
  const options = {
    window: 128_000,
    told: (request: number) => (request < 8 ? 128_000 : 16_000),
    turn: working(30),
    summary,
  };
  await runInWindow(options, {}, (run) => {
    expectAllFacts(run);
    const tokens = run.model.requests.map((request) => request.tokens);
    expect(Math.max(...tokens.slice(0, 9))).toBeGreaterThan(40_000);
    expect(Math.max(...tokens.slice(9))).toBeLessThan(16_000);
  });
}, 30_000);

for (const refusal of [undefined, "context_length_exceeded: too much"])
  test(`a window smaller than told is learned from the refusal, which ${refusal ? "names no figure" : "names it"}`, async () => {
    const options = { window: 16_000, told: () => 128_000, turn: working(60), summary, refusal };
    await runInWindow(options, { window: 128_000 }, (run) => {
      expectAllFacts(run);
      expect(run.model.count("refused")).toBeGreaterThan(0);
      expect(run.model.count("refused")).toBeLessThan(refusal === undefined ? 3 : 8);
    });
  }, 30_000);

test("a model that refuses whatever it is sent ends the run, with the setting to change", async () => {
  await runInWindow(
    { window: 10, refusal: "context length exceeded", turn: () => finish("") },
    { window: 8_000 },
    (run) => {
      expect(run.code).toBe(1);
      expect(run.agent.only("error").message).toContain("LLM_CONTEXT_SIZE");
      expect(run.model.count("refused")).toBe(3);
    },
  );
});

test("a refusal whose header tells of the window is followed by a request that fits it", async () => {
  const options = { window: 6_000, told: () => 6_000, refusal: "context length exceeded", turn: working(0) };
  const task = "w ord ".repeat(24_000);
  await runInWindow(options, { window: 128_000, task }, ({ agent, model, code }) => {
    expect(agent.list("error")).toEqual([]);
    expect(code).toBe(0);
    expect(model.requests.map(({ kind }) => kind)).toEqual(["refused", "turn"]);
  });
});

test("a header with a window too small to work in is ignored, and people are told once", async () => {
  const options = {
    window: 128_000,
    told: (request: number) => (request === 1 || request === 2 ? 1_000 : undefined),
    turn: working(5),
  };
  const task = `${"fix the bug in totals. ".repeat(200)} END-OF-TASK`;
  await runInWindow(options, { task }, ({ agent, model, code }) => {
    expect(code).toBe(0);
    const told = agent.list("message").filter(({ text }) => text.includes("window"));
    expect(told.map(({ text }) => text)).toEqual([
      expect.stringContaining("a context window of 1000 tokens"),
    ]);
    expect(model.requests.every(({ text }) => text.includes("END-OF-TASK"))).toBe(true);
  });
});
