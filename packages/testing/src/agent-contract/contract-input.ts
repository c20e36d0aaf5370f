import { expect } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { eventually } from "../eventually.ts";
import type { ContractSuite } from "./contract-suite.ts";

/** What people say: the prompt, and messages while it works. */
export function checkInput({ under, requests, check, bench }: ContractSuite): void {
  check("it waits for its prompt and asks the model nothing before", async () => {
    await using run = await bench([under.finish("all is done")]);
    await run.agent.next("starting");
    const before = requests().length;
    run.agent.sendLine("no JSON at all");
    run.agent.sendLine('{"type":"of_a_later_version","message":"not a prompt"}');
    run.agent.sendLine('{"type":"prompt"}');
    expect(requests()).toHaveLength(before);
    await run.finishes("the real prompt");
    const asked = JSON.stringify(
      requests()
        .slice(before)
        .map(({ messages }) => messages),
    );
    expect(asked).toContain("the real prompt");
    expect(asked).not.toContain("not a prompt");
  });

  check("a message is answered with its receipt once it reaches the model, or not at all", async () => {
    // A follow-up without memory begins the script anew: it must not wait a second time.
    const wait = "[ -e go ] || { touch started; while [ ! -e go ]; do sleep 0.05; done; }";
    await using run = await bench([
      under.command(wait),
      under.finish("first"),
      under.finish("second"),
      under.finish("third"),
    ]);
    const before = requests().length;
    run.agent.send({ type: "prompt", message: "the task" });
    await eventually("the command runs", () => existsSync(run.path("started")));
    run.agent.send({ type: "message", id: "m-1", text: "use tabs, please" });
    // The line is in the pipe before the command can end.
    writeFileSync(run.path("go"), "");
    await run.ends("finish");
    const asked = requests()
      .slice(before)
      .map(({ messages }) => JSON.stringify(messages));
    const told = asked.findIndex((messages) => messages.includes("use tabs, please"));
    if (under.can.steering === "none") {
      expect([told, run.agent.list("received")]).toEqual([-1, []]);
      return;
    }
    expect(run.agent.list("received")).toEqual([{ type: "received", id: "m-1" }]);
    expect(told).toBe(under.can.steering === "before_next_call" ? 1 : 2);
  });
}
