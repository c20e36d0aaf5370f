import { expect, test } from "bun:test";
import { AgentProcess, TestCheckout } from "./testing/agent-process.ts";
import { type Answer, WindowModel } from "./testing/window-model.ts";

const finish = (summary: string): Answer => ({ calls: [["finish", { outcome: "completed", summary }]] });
const FACT = /FACT-\d+=[a-z]+/g;
const factsIn = (text: string) => [...new Set(text.match(FACT) ?? [])].toSorted();

/** Prints a fact and about 40 KB, and changes a file, so that it counts as progress. */
function bigOutput(turn: number): Answer {
  const fact = turn < 10 ? `echo FACT-${turn}=${"abcdefghij"[turn]}; ` : "";
  return { calls: [["bash", { command: `${fact}echo ${turn} > work.txt; seq ${turn}0001 ${turn}8000 | tr '\\n' ' '` }]] };
}

test("300 turns of 40 KB in a window of 32k end with the task done, and no request is over the window", async () => {
  using checkout = await TestCheckout.create();
  using model = new WindowModel({
    window: 32_000,
    told: () => 32_000,
    turn: ({ number, text }) => (number < 299 ? bigOutput(number) : finish(factsIn(text).join(" "))),
    summary: ({ text }) => ({ text: `## Decisions\n${factsIn(text).join("\n")}` }),
  });
  await using agent = new AgentProcess(model.url, checkout, {
    LLM_CONTEXT_SIZE: "32000",
    AGENT_TURNS_MAX: "400",
  });
  const code = await agent.work("find the ten facts TASK-MARK");
  expect(agent.list("error")).toEqual([]);
  expect(code).toBe(0);
  expect(agent.only("finish").summary.split(" ")).toHaveLength(10);
  expect(model.count("refused")).toBe(0);
  expect(model.breaches).toEqual([]);
  expect(model.requests.every(({ text }) => text.includes("find the ten facts TASK-MARK"))).toBe(true);
    model.count("summary"),
    model.count("turn"),
    agent.list("compaction").length,
    Math.max(...model.requests.map((r) => r.tokens)),
  );
}, 120_000);
