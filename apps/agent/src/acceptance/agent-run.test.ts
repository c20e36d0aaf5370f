import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { AgentProcess, TestCheckout } from "../testing/agent-process.ts";
import { FINISH, type Turn, TurnModel } from "../testing/turn-model.ts";

const COMMIT: Turn = {
  text: "I add a file.",
  calls: [["bash", { command: "echo hello > new.txt && git add new.txt && git commit -qm 'Add new.txt'" }]],
};

for (const stream of ["", "1"])
  describe(stream ? "with a streamed reply" : "with a whole reply", () => {
    test("a run goes from prompt to finish, with a commit that carries the trailers of the run", async () => {
      using checkout = await TestCheckout.create();
      await using model = await TurnModel.start([COMMIT, FINISH]);
      await using agent = new AgentProcess(model.url, checkout, {
        LLM_STREAM: stream,
        WINDSHIFT_REQUESTED_BY: "Ada <ada@example.test>",
      });
      expect(await agent.work("add a file")).toBe(0);
      expect(agent.events[0]?.type).toBe("starting");
      expect(agent.events.at(-1)?.type).toBe("session_idle");
      expect(agent.only("finish")).toEqual({ type: "finish", outcome: "completed", summary: "all done" });
      expect(
        agent
          .list("content")
          .map((event) => event.text)
          .join(""),
      ).toBe("I add a file.");
      expect(agent.list("usage")).toHaveLength(2);
      expect(await checkout.git("log", "-1", "--format=%an <%ae>%n%B")).toBe(
        "windshift-agent <agent@windshift.local>\nAdd new.txt\n\nWindshift-Run: 7\nWindshift-Item: DEMO-1\nRequested-by: Ada <ada@example.test>",
      );
      const [first] = model.requests();
      expect(first?.stream ?? false).toBe(stream === "1");
      expect(first?.messages.map((message) => message.role)).toEqual(["system", "user"]);
      expect(first?.messages[1]?.content).toBe("add a file");
    });

    test("several calls of one turn are all done, in order, before finish", async () => {
      using checkout = await TestCheckout.create();
      const both: Turn = {
        calls: [
          ["finish", { outcome: "blocked", summary: "enough" }],
          ["write_file", { path: "a/b.txt", content: "one\n" }],
          ["edit_file", { path: "a/b.txt", edits: [{ old_text: "one", new_text: "two" }] }],
          ["bash", { command: "cat a/b.txt" }],
        ],
      };
      await using model = await TurnModel.start([both]);
      await using agent = new AgentProcess(model.url, checkout, { LLM_STREAM: stream });
      expect(await agent.work()).toBe(0);
      expect(agent.list("tool_done").map((event) => event.output)).toEqual([
        "created a/b.txt, 4 bytes",
        "replaced 1 match in a/b.txt, line 1",
        "two",
        "the run ends",
      ]);
      expect(agent.only("finish").outcome).toBe("blocked");
    });
  });

test("the requests of a run begin with the same bytes, so that prompt caches hit", async () => {
  using checkout = await TestCheckout.create();
  await using model = await TurnModel.start([COMMIT, FINISH]);
  await using agent = new AgentProcess(model.url, checkout);
  await agent.work();
  const [first, second] = model.requests().map((body) => JSON.stringify(body));
  const shared = JSON.stringify(model.requests()[0]?.messages).slice(0, -1);
  expect(second).toContain(shared);
  expect(first).toMatch(/^\{"model":"test-model","tools":\[.*\],"messages":\[/);
});

test("uncommitted changes at the end are committed by the agent, which says so", async () => {
  using checkout = await TestCheckout.create();
  const write: Turn = { calls: [["write_file", { path: "left.txt", content: "x" }]] };
  await using model = await TurnModel.start([write, FINISH]);
  await using agent = new AgentProcess(model.url, checkout);
  expect(await agent.work()).toBe(0);
  expect(agent.only("message").text).toContain("wrap-up");
  expect(await checkout.git("status", "--porcelain")).toBe("");
  const message = await checkout.git("log", "-1", "--format=%B");
  expect(message).toContain("wrap-up");
  expect(message).toEndWith("Windshift-Run: 7\nWindshift-Item: DEMO-1");
});

test("a hook of the repository neither runs nor stops the wrap-up", async () => {
  using checkout = await TestCheckout.create();
  for (const hook of ["pre-commit", "prepare-commit-msg"]) {
    const path = checkout.path(`.git/hooks/${hook}`);
    writeFileSync(path, '#!/bin/sh\ntouch "$(git rev-parse --show-toplevel)/hook-ran"; exit 1\n');
    chmodSync(path, 0o755);
  }
  await using model = await TurnModel.start([
    { calls: [["write_file", { path: "left.txt", content: "x" }]] },
    FINISH,
  ]);
  await using agent = new AgentProcess(model.url, checkout);
  expect(await agent.work()).toBe(0);
  expect(await checkout.git("log", "-1", "--format=%s")).toBe("Keep uncommitted changes of the run");
  expect(existsSync(checkout.path("hook-ran"))).toBe(false);
});

test("a model that stops without finish is asked once, then the run is failed", async () => {
  using checkout = await TestCheckout.create();
  await using model = await TurnModel.start([{ text: "I think that is it." }]);
  await using agent = new AgentProcess(model.url, checkout);
  expect(await agent.work()).toBe(1);
  expect(agent.only("error")).toMatchObject({ code: "no_finish" });
  expect(agent.list("finish")).toEqual([]);
  expect(agent.events.at(-1)?.type).toBe("session_idle");
  expect(model.requests()).toHaveLength(2);
  expect(model.requests()[1]?.messages.at(-1)?.content).toContain("without calling the finish tool");
});

test("a reply cut at the length limit is continued", async () => {
  using checkout = await TestCheckout.create();
  await using model = await TurnModel.start([{ text: "half a", finishReason: "length" }, FINISH]);
  await using agent = new AgentProcess(model.url, checkout);
  expect(await agent.work()).toBe(0);
  expect(
    model
      .requests()[1]
      ?.messages.slice(-2)
      .map((message) => message.role),
  ).toEqual(["assistant", "user"]);
  expect(model.requests()[1]?.messages.at(-1)?.content).toContain("cut off at the length limit");
});

test("bad arguments and unknown tools get an answer the model can use", async () => {
  using checkout = await TestCheckout.create();
  const bad: Turn = {
    calls: [
      ["bash", '{"command": "ls'],
      ["bash", "[1]"],
      ["bash", { timeout_s: 0 }],
      ["finish", { outcome: "perfect", summary: "x" }],
      ["launch_rocket", {}],
    ],
  };
  await using model = await TurnModel.start([bad, FINISH]);
  await using agent = new AgentProcess(model.url, checkout);
  expect(await agent.work()).toBe(0);
  expect([0, 1, 2, 3, 4].map((call) => model.toolResult(1, call))).toEqual([
    "error: the arguments are not valid JSON",
    "error: the arguments must be one JSON object",
    "error: bash: `command` (string) is missing; `timeout_s` must be of type integer from 1 up to 3600, not 0",
    'error: there is no tool "launch_rocket"; there are bash, read_file, write_file, edit_file, grep, list_files, plan, finish',
    'error: finish: `outcome` must be one of completed, blocked, needs_info, not "perfect"',
  ]);
});

test("the cap on turns ends a run that goes nowhere as failed", async () => {
  using checkout = await TestCheckout.create();
  await using model = await TurnModel.start([{ calls: [["bash", { command: "true" }]] }]);
  await using agent = new AgentProcess(model.url, checkout, { AGENT_TURNS_MAX: "3" });
  expect(await agent.work()).toBe(1);
  expect(agent.only("error")).toMatchObject({ code: "turns_exhausted" });
  expect(model.requests()).toHaveLength(3);
});

test("PI-09 file tools stay in the checkout, through links too", async () => {
  using checkout = await TestCheckout.create();
  await checkout.git("config", "core.symlinks", "true");
  const escapes: Turn = {
    calls: [
      ["bash", { command: "ln -s /etc etc; ln -s /nowhere-at-all dangling; mkfifo pipe" }],
      ["read_file", { path: "/proc/self/environ" }],
      ["read_file", { path: "etc/passwd" }],
      ["read_file", { path: "../../../../etc/passwd" }],
      ["write_file", { path: "/tmp/windshift-agent-escape", content: "x" }],
      ["write_file", { path: "dangling", content: "x" }],
      ["write_file", { path: "pipe", content: "x" }],
      ["edit_file", { path: "etc/passwd", edits: [{ old_text: "root", new_text: "toor" }] }],
    ],
  };
  await using model = await TurnModel.start([escapes, FINISH]);
  await using agent = new AgentProcess(model.url, checkout);
  expect(await agent.work()).toBe(0);
  const results = [1, 2, 3, 4, 5, 6, 7].map((call) => model.toolResult(1, call));
  for (const at of [0, 1, 2, 3, 6]) expect(results[at]).toContain("leads outside");
  expect(results[4]).toContain("symbolic link to nowhere");
  expect(results[5]).toContain("not a regular file");
  expect(existsSync("/tmp/windshift-agent-escape")).toBe(false);
});

test("PI-09 commands do not inherit the model's key", async () => {
  using checkout = await TestCheckout.create();
  await using model = await TurnModel.start([{ calls: [["bash", { command: "env" }]] }, FINISH]);
  await using agent = new AgentProcess(model.url, checkout, { WS_TOKEN: "for-ws", BUN_JSC_useDFGJIT: "0" });
  await agent.work();
  for (const name of ["LLM_API_KEY", "BUN_JSC"]) expect(model.toolResult(1)).not.toContain(name);
  expect(model.toolResult(1)).toContain("WS_TOKEN=for-ws");
});

test("long output is cut to head and tail and kept whole in a file the model can read", async () => {
  using checkout = await TestCheckout.create();
  await using model = await TurnModel.start([{ calls: [["bash", { command: "seq 1 30000" }]] }, FINISH]);
  await using agent = new AgentProcess(model.url, checkout);
  await agent.work();
  const { output, truncated } = agent.list("tool_done")[0] ?? { output: "", truncated: undefined };
  expect(truncated).toBe(true);
  expect(output.length).toBeLessThan(25_000);
  expect(output).toStartWith("1\n2\n3\n");
  expect(output).toEndWith("29999\n30000");
  const kept = /full output is in (\S+)/.exec(output)?.[1] ?? "";
  expect(readFileSync(kept, "utf8").split("\n")).toHaveLength(30_001);
});
