import { expect, test } from "bun:test";
import type { Answer } from "../testing/window-model.ts";
import { runInWindow, summary, TASK, working } from "../testing/window-run.ts";

for (const [what, answer] of [
  ["calls tools", { calls: [["bash", { command: "touch should-not-run" }]], text: "Let me look." }],
  ["says nothing", { text: "" }],
  ["fails for good", { status: 400, code: "invalid_input" }],
  ["is over the window", { status: 400, code: "context_length_exceeded" }],
  ["thinks and says nothing", { text: "<think>What now?</think>" }],
] satisfies [string, Answer][])
  test(`a summary that ${what} does not end the run: files and commands are recorded instead`, async () => {
    const options = { window: 16_000, turn: working(25), summary: () => answer };
    await runInWindow(options, {}, ({ agent, model, code }) => {
      expect(agent.list("error")).toEqual([]);
      expect(code).toBe(0);
      expect(model.count("summary")).toBeGreaterThan(0);
      const last = model.requests.at(-1)?.text ?? "";
      expect(last).toContain(TASK);
      expect(last).toContain("Commands run, oldest first:");
      expect(last).toContain("> work.txt; seq");
      expect(
        agent.list("tool_start").some(({ args }) => JSON.stringify(args).includes("should-not-run")),
      ).toBe(false);
    });
  }, 30_000);

test("a summary that breaks off three times does not end the run", async () => {
  const options = { window: 16_000, turn: working(25), summary: () => ({ raw: "no JSON" }) };
  await runInWindow(options, {}, ({ agent, code }) => {
    expect(code).toBe(0);
    expect(agent.list("retry").length).toBeGreaterThanOrEqual(2);
  });
}, 60_000);

for (const [status, code] of [
  [402, "budget_exhausted"],
  [403, "run_ended"],
  [409, "lease_lost"],
] as const)
  test(`the broker's ${code} to a summary ends the run`, async () => {
    const options = { window: 16_000, turn: working(25), summary: () => ({ status, code }) };
    await runInWindow(options, {}, (run) => {
      expect(run.code).toBe(1);
      expect(run.agent.only("error").code).toBe(code);
      expect(run.model.count("summary")).toBe(1);
    });
  });

test("a summary longer than its share of the window is cut", async () => {
  const long = { text: `BEGIN ${"a long summary ".repeat(5_000)} END` };
  await runInWindow({ window: 16_000, turn: working(25), summary: () => long }, {}, ({ model, code }) => {
    expect(code).toBe(0);
    expect(model.count("refused")).toBe(0);
    expect(model.requests.at(-1)?.text).toContain("BEGIN");
    expect(model.requests.at(-1)?.text).toContain("END");
  });
});

test("the request for a summary repeats the bytes of the one before it, for the provider's cache", async () => {
  await runInWindow({ window: 32_000, turn: working(60), summary }, {}, ({ model }) => {
    const asked = model.requests.findIndex(({ kind }) => kind === "summary");
    const before = model.requests[asked - 1]?.text ?? "";
    const question = model.requests[asked]?.text ?? "";
    const shared = question.slice(0, question.lastIndexOf(',{"role":"user"'));
    expect(before.startsWith(shared)).toBe(true);
    expect(shared.length).toBeGreaterThan(before.length / 4);
  });
}, 30_000);
