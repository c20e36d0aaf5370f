import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { eventually } from "@windshift/testing/eventually.ts";
import { AgentProcess, TestCheckout } from "../testing/agent-process.ts";
import { runSessionOf } from "../testing/session-run.ts";
import { FINISH, type Turn, TurnModel } from "../testing/turn-model.ts";

/** In this process, where the waits between tries pass faster. */
const runIn = (checkout: TestCheckout, model: TurnModel) =>
  runSessionOf(model.url, { checkout: checkout.dir, home: checkout.home }, { stream: false });

for (const status of [408, 409, 429, 500, 503])
  test(`an answer of ${status} is tried again`, async () => {
    using checkout = await TestCheckout.create();
    await using model = await TurnModel.start([{ status }, FINISH]);
    const run = await runIn(checkout, model);
    expect(run.exitCode).toBe(0);
    expect(run.list("retry")).toMatchObject([{ attempt: 1, why: expect.stringContaining(String(status)) }]);
  });

test("Retry-After is waited for", async () => {
  using checkout = await TestCheckout.create();
  await using model = await TurnModel.start([{ status: 429, retryAfter: 2 }, FINISH]);
  await using agent = new AgentProcess(model.url, checkout);
  const startedMs = performance.now();
  expect(await agent.work()).toBe(0);
  expect(agent.only("retry").wait_ms).toBe(2_000);
  expect(performance.now() - startedMs).toBeGreaterThan(2_000);
});

test("three failed tries end the run as failed", async () => {
  using checkout = await TestCheckout.create();
  await using model = await TurnModel.start([{ status: 500 }]);
  const run = await runIn(checkout, model);
  expect(run.exitCode).toBe(1);
  expect(run.list("retry")).toHaveLength(2);
  expect(run.list("error")[0]?.message).toContain("500");
  expect(model.requests()).toHaveLength(3);
});

for (const [status, code] of [
  [401, "unauthenticated"],
  [402, "budget_exhausted"],
  [403, "run_ended"],
  [409, "lease_lost"],
] as const)
  test(`the broker's ${code} ends the run at once with that code`, async () => {
    using checkout = await TestCheckout.create();
    await using model = await TurnModel.start([{ status, code }]);
    const run = await runIn(checkout, model);
    expect(run.exitCode).toBe(1);
    expect(run.list("error")[0]?.code).toBe(code);
    expect(run.list("retry")).toEqual([]);
    expect(model.requests()).toHaveLength(1);
  });

test("a model API that cannot be reached ends the run with exit code 69", async () => {
  using checkout = await TestCheckout.create();
  const closed = Bun.serve({ port: 0, fetch: () => new Response() });
  const url = `http://127.0.0.1:${closed.port}`;
  await closed.stop(true);
  await using agent = new AgentProcess(url, checkout, { LLM_TRIES: "1" });
  expect(await agent.work()).toBe(69);
  expect(agent.list("retry")).toHaveLength(0);
  expect(agent.only("error")).toMatchObject({ code: "api_unreachable" });
  expect(agent.events.at(-1)?.type).toBe("session_idle");
});

test("a stream that is cut before its end is tried again", async () => {
  using checkout = await TestCheckout.create();
  const chunk = (delta: object, finish_reason: string | null) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  const call = { index: 0, id: "c", function: { name: "finish", arguments: '{"outcome":"completed",' } };
  const rest = { index: 0, function: { arguments: '"summary":"ok"}' } };
  let asked = 0;
  using server = Bun.serve({
    port: 0,
    fetch: () => {
      const cut = chunk({ tool_calls: [call] }, null);
      const whole = cut + chunk({ tool_calls: [rest] }, null) + chunk({}, "tool_calls");
      return new Response(asked++ === 0 ? cut : whole, { headers: { "content-type": "text/event-stream" } });
    },
  });
  await using agent = new AgentProcess(server.url.origin, checkout, { LLM_STREAM: "true" });
  expect(await agent.work()).toBe(0);
  expect(agent.only("retry").why).toContain("ended before the reply was complete");
  expect(agent.only("finish").summary).toBe("ok");
});

test("a redirect is refused, so the key goes nowhere else", async () => {
  using checkout = await TestCheckout.create();
  let stolen = 0;
  using thief = Bun.serve({
    port: 0,
    fetch: () => {
      stolen++;
      return new Response();
    },
  });
  using server = Bun.serve({ port: 0, fetch: () => Response.redirect(thief.url.href, 307) });
  await using agent = new AgentProcess(server.url.origin, checkout);
  expect(await agent.work()).toBe(1);
  expect(agent.only("error").message).toContain("307");
  expect(stolen).toBe(0);
});

test("a command that runs too long is killed with its children", async () => {
  using checkout = await TestCheckout.create();
  const command = "sleep 600 & echo $! > child.pid; trap '' TERM; sleep 600";
  await using model = await TurnModel.start([{ calls: [["bash", { command, timeout_s: 1 }]] }, FINISH]);
  await using agent = new AgentProcess(model.url, checkout);
  expect(await agent.work()).toBe(0);
  expect(model.toolResult(1)).toContain("timed out after 1 s");
  expect(isAlive(readFileSync(checkout.path("child.pid"), "utf8"))).toBe(false);
});

test("children left in the background end with the command", async () => {
  using checkout = await TestCheckout.create();
  const command = "sleep 600 & echo $! > child.pid; echo started";
  await using model = await TurnModel.start([{ calls: [["bash", { command }]] }, FINISH]);
  await using agent = new AgentProcess(model.url, checkout);
  expect(await agent.work()).toBe(0);
  expect(model.toolResult(1)).toBe("started");
  expect(isAlive(readFileSync(checkout.path("child.pid"), "utf8"))).toBe(false);
});

test("the pipe of a child that left the group is closed after the command, and the agent goes on", async () => {
  using checkout = await TestCheckout.create();
  const stray = "trap '' PIPE; touch up; while echo line 2>/dev/null; do sleep 0.02; done; touch closed";
  // Without an environment it carries no mark, and outside a container it is not found and lives on.
  const leave = `env -i PATH="$PATH" setsid sh -c "${stray}" & until [ -e up ]; do sleep 0.02; done`;
  const look = "until [ -e closed ]; do sleep 0.02; done; echo it is closed";
  await using model = await TurnModel.start([
    { calls: [["bash", { command: leave }]] },
    { calls: [["bash", { command: look, timeout_s: 2 }]] },
    FINISH,
  ]);
  await using agent = new AgentProcess(model.url, checkout);
  expect(await agent.work()).toBe(0);
  expect(model.toolResult(2)).toBe("it is closed");
});

for (const how of ["abort", "end of input", "SIGTERM"] as const)
  test(`${how} stops a running command, commits nothing and says so`, async () => {
    using checkout = await TestCheckout.create();
    const command = "echo x > left.txt; echo $$ > shell.pid; echo ready; sleep 600";
    await using model = await TurnModel.start([{ calls: [["bash", { command }]] }, FINISH]);
    await using agent = new AgentProcess(model.url, checkout);
    agent.send({ type: "prompt", message: "wait" });
    await agent.next("tool_start");
    await eventually(
      "the command runs",
      () => readFileSync(checkout.path("shell.pid"), "utf8").trim() !== "",
    );
    const startedMs = performance.now();
    if (how === "abort") agent.send({ type: "abort" });
    else if (how === "SIGTERM") agent.terminate();
    else agent.closeInput();
    expect(await agent.ended()).toBe(1);
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    expect(agent.only("error")).toMatchObject({ code: "aborted" });
    expect(agent.only("error").message).toContain("uncommitted changes were left");
    expect(agent.events.at(-1)?.type).toBe("session_idle");
    expect(await checkout.git("log", "--format=%s")).toBe("Start the project");
    expect(isAlive(readFileSync(checkout.path("shell.pid"), "utf8"))).toBe(false);
  });

test("a message reaches the model before its next call, with a receipt", async () => {
  using checkout = await TestCheckout.create();
  const wait: Turn = { calls: [["bash", { command: "until [ -e go ]; do sleep 0.02; done" }]] };
  await using model = await TurnModel.start([wait, FINISH]);
  await using agent = new AgentProcess(model.url, checkout);
  agent.send({ type: "prompt", message: "wait" });
  await agent.next("tool_start");
  agent.send({ type: "message", id: "m1", text: "use tabs" });
  await Bun.write(checkout.path("go"), "");
  expect(await agent.ended()).toBe(0);
  const received = agent.events.findIndex((event) => event.type === "received");
  expect(agent.only("received").id).toBe("m1");
  expect(received).toBeGreaterThan(agent.events.findIndex((event) => event.type === "tool_done"));
  expect(model.requests()[1]?.messages.at(-1)).toEqual({ role: "user", content: "use tabs" });
});

test("finish is held back while a message waits", async () => {
  using checkout = await TestCheckout.create();
  const both: Turn = {
    calls: [["bash", { command: "until [ -e go ]; do sleep 0.02; done" }], ...FINISH.calls],
  };
  await using model = await TurnModel.start([both, FINISH]);
  await using agent = new AgentProcess(model.url, checkout);
  agent.send({ type: "prompt", message: "wait" });
  await agent.next("tool_start");
  agent.send({ type: "message", id: "m1", text: "one more thing" });
  await Bun.write(checkout.path("go"), "");
  expect(await agent.ended()).toBe(0);
  expect(model.toolResult(1, 1)).toContain("a person wrote to you");
  expect(model.requests()[1]?.messages.at(-1)?.content).toBe("one more thing");
  expect(agent.only("received").id).toBe("m1");
});

test("bad settings give one line on stderr that names each, and exit code 2", async () => {
  using checkout = await TestCheckout.create();
  await using agent = new AgentProcess("not an address", checkout, {
    LLM_MODEL: "",
    LLM_CONTEXT_SIZE: "many",
  });
  expect(await agent.ended()).toBe(2);
  const lines = (await agent.stderr()).trimEnd().split("\n");
  expect(lines).toHaveLength(1);
  for (const name of ["LLM_BASE_URL", "LLM_MODEL", "LLM_CONTEXT_SIZE"]) expect(lines[0]).toContain(name);
  expect(agent.events).toEqual([]);
});

/** A killed process that nobody has waited for yet is a zombie: dead, though it still has its number. */
function isAlive(pidText: string): boolean {
  const stat = `/proc/${pidText.trim()}/stat`;
  return existsSync(stat) && !/\) Z /.test(readFileSync(stat, "utf8"));
}

test("a workspace that is not there is an error that names it", async () => {
  using checkout = await TestCheckout.create();
  await using model = await TurnModel.start([FINISH]);
  await using agent = new AgentProcess(model.url, checkout, { WINDSHIFT_WORKSPACE: "/no/such/checkout" });
  expect(await agent.work()).toBe(1);
  expect(agent.only("error").message).toContain("/no/such/checkout");
  expect(agent.events.at(-1)?.type).toBe("session_idle");
});

test("an empty reply is asked to finish, and is not sent back as an empty message", async () => {
  using checkout = await TestCheckout.create();
  await using model = await TurnModel.start([{ text: "" }, FINISH]);
  await using agent = new AgentProcess(model.url, checkout);
  expect(await agent.work()).toBe(0);
  expect(model.requests()[1]?.messages.map((message) => message.role)).toEqual(["system", "user", "user"]);
});
