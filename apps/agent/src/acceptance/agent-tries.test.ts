import { expect, test } from "bun:test";
import { AgentProcess, TestCheckout } from "../testing/agent-process.ts";
import { TurnModel } from "../testing/turn-model.ts";

test("LLM_TRIES says how often one call is tried", async () => {
  using checkout = await TestCheckout.create();
  for (const tries of [1, 2]) {
    await using model = await TurnModel.start([{ status: 500 }]);
    await using agent = new AgentProcess(model.url, checkout, { LLM_TRIES: String(tries) });
    expect(await agent.work()).toBe(1);
    expect(model.requests()).toHaveLength(tries);
    expect(agent.list("retry")).toHaveLength(tries - 1);
  }
});
