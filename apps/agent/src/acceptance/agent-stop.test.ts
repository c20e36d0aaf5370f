import { describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ABORT_GRACE_MS } from "@windshift/contract/limits.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { AgentProcess, TestCheckout } from "../testing/agent-process.ts";
import { FINISH, type Turn, TurnModel } from "../testing/turn-model.ts";

const run = (command: string): Turn => ({ calls: [["bash", { command }]] });

describe("before the prompt", () => {
  test("an abort and a signal are told as what they are", async () => {
    using checkout = await TestCheckout.create();
    await using model = await TurnModel.start([FINISH]);
    await using asked = new AgentProcess(model.url, checkout);
    await asked.next("starting");
    asked.send({ type: "abort" });
    expect(await asked.ended()).toBe(1);
    expect(asked.only("error")).toMatchObject({
      code: "aborted",
      message: "aborted by request; no prompt had come",
    });
    await using ended = new AgentProcess(model.url, checkout);
    await ended.next("starting");
    ended.terminate();
    await ended.ended();
    expect(ended.only("error")).toMatchObject({
      code: "aborted",
      message: "aborted by SIGTERM; no prompt had come",
    });
  });

  test("a prompt over the limit of a line ends the run, and says so", async () => {
    using checkout = await TestCheckout.create();
    await using model = await TurnModel.start([FINISH]);
    await using agent = new AgentProcess(model.url, checkout);
    expect(await agent.work("x".repeat(1_100_000))).toBe(1);
    expect(agent.only("error")).toMatchObject({
      code: "no_prompt",
      message: expect.stringContaining("the prompt is over 1 MiB"),
    });
    expect(model.requests()).toEqual([]);
  });
});

test("a message gets no receipt when the call that was to bring it failed", async () => {
  using checkout = await TestCheckout.create();
  await using model = await TurnModel.start([
    run("until [ -e go ]; do sleep 0.02; done"),
    { status: 401, code: "unauthenticated" },
  ]);
  await using agent = new AgentProcess(model.url, checkout);
  agent.send({ type: "prompt", message: "wait" });
  await agent.next("tool_start");
  agent.send({ type: "message", id: "m1", text: "use tabs" });
  writeFileSync(checkout.path("go"), "");
  expect(await agent.ended()).toBe(1);
  expect(agent.only("error").code).toBe("unauthenticated");
  expect(JSON.stringify(model.requests().at(-1)?.messages)).toContain("use tabs");
  expect(agent.list("received")).toEqual([]);
});

test("a command that ends the agent by a signal is not told as a person's request", async () => {
  using checkout = await TestCheckout.create();
  await using model = await TurnModel.start([run("kill $PPID; sleep 600")]);
  await using agent = new AgentProcess(model.url, checkout);
  expect(await agent.work()).toBe(1);
  expect(agent.only("error")).toMatchObject({
    code: "aborted",
    message: expect.stringMatching(/^aborted by SIGTERM; /),
  });
});

test("an abort during the wrap-up is told as one, with what is left", async () => {
  using checkout = await TestCheckout.create();
  const started = join(checkout.home, "wrap-up-began");
  const git = `#!/bin/sh\ncase "$*" in *"add --all"*) touch ${started}; sleep 600;; esac\nexec ${Bun.which("git")} "$@"\n`;
  writeFileSync(join(checkout.home, "git"), git, { mode: 0o755 });
  await using model = await TurnModel.start([
    { calls: [["write_file", { path: "half.txt", content: "half" }], ...FINISH.calls] },
  ]);
  const env = { PATH: `${checkout.home}:${process.env.PATH}` };
  await using agent = new AgentProcess(model.url, checkout, env);
  agent.send({ type: "prompt", message: "work" });
  await eventually("the wrap-up began", () => existsSync(started));
  agent.send({ type: "abort" });
  expect(await agent.ended()).toBe(1);
  expect(agent.list("finish")).toEqual([]);
  expect(agent.list("message")).toEqual([]);
  expect(agent.only("error")).toMatchObject({
    code: "aborted",
    message: "aborted by request; 0 commits of this run kept; uncommitted changes were left in 1 file",
  });
});

test("an abort ends it within the grace although nobody reads its lines", async () => {
  using checkout = await TestCheckout.create();
  await using model = await TurnModel.start([run("head -c 20000 /dev/urandom | base64; date +%N >> log")]);
  const script = `mkfifo out; exec 3<>out; exec "$0" "$1" >&3`; // a pipe that is open and never read
  await using child = Bun.spawn(["sh", "-c", script, process.execPath, join(import.meta.dir, "../main.ts")], {
    cwd: checkout.home,
    env: {
      PATH: process.env.PATH ?? "",
      HOME: checkout.home,
      LLM_BASE_URL: model.url,
      LLM_MODEL: "test-model",
      WINDSHIFT_WORKSPACE: checkout.dir,
    },
    stdin: "pipe",
  });
  child.stdin.write('{"type":"prompt","message":"work"}\n');
  child.stdin.flush();
  let requests = -1;
  await eventually("the agent waits for its reader", async () => {
    const before = requests;
    requests = model.requests().length;
    await Bun.sleep(300);
    return before === requests && requests > 1;
  });
  const startedMs = performance.now();
  child.stdin.write('{"type":"abort"}\n');
  child.stdin.flush();
  await child.exited;
  expect(performance.now() - startedMs).toBeLessThan(ABORT_GRACE_MS);
}, 40_000);
