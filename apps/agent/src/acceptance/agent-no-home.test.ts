import { expect, test } from "bun:test";
import { AgentProcess, TestCheckout } from "../testing/agent-process.ts";
import { FINISH, TurnModel } from "../testing/turn-model.ts";

test("with nowhere to put the hook, commands run all the same, and the wrap-up's commit has the trailers", async () => {
  using checkout = await TestCheckout.create();
  const calls = [["bash", { command: "echo x > a.txt && echo done" }]] as [string, object][];
  await using model = await TurnModel.start([{ calls }, FINISH]);
  // /proc takes no files, whoever asks.
  await using agent = new AgentProcess(model.url, checkout, { HOME: "/proc", TMPDIR: "/proc" });
  expect(await agent.work()).toBe(0);
  expect(agent.list("tool_done")[0]).toMatchObject({ output: "done", exit_code: 0 });
  expect(await checkout.git("log", "-1", "--format=%(trailers:separator=%x3B)")).toBe(
    "Windshift-Run: 7;Windshift-Item: DEMO-1",
  );
});
