import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AgentOutput } from "@windshift/contract/agent-jsonl.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { endingEvents } from "../session-events.ts";
import { TestCheckout } from "../testing/agent-process.ts";
import { FINISH, type Turn, TurnModel } from "../testing/turn-model.ts";

const MAIN = join(import.meta.dir, "../main.ts");

function start(url: string, checkout: TestCheckout, argv: readonly string[]) {
  return Bun.spawn([...argv], {
    cwd: checkout.home,
    env: {
      PATH: process.env.PATH ?? "",
      HOME: checkout.home,
      LLM_BASE_URL: url,
      LLM_MODEL: "test-model",
      WINDSHIFT_WORKSPACE: checkout.dir,
    },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
}

function eventsIn(text: string): AgentOutput[] {
  const lines = text.trimEnd().split("\n");
  return lines.map((line) => AgentOutput.parse(JSON.parse(line)));
}

/** Loads the agent with a fault that strikes once a file says so. */
function faulty(checkout: TestCheckout, fault: string): string[] {
  const preload = join(checkout.home, "fault.ts");
  writeFileSync(
    preload,
    `const timer = setInterval(() => {
      if (!require("node:fs").existsSync(${JSON.stringify(checkout.path("ready"))})) return;
      clearInterval(timer);
      ${fault}
    }, 10);`,
  );
  return [process.execPath, "--preload", preload, MAIN];
}

describe("a fault of the agent itself", () => {
  for (const [what, fault] of [
    ["an exception nobody catches", 'throw new Error("struck");'],
    ["a rejection nobody handles", 'void Promise.reject(new Error("struck"));'],
  ] as const)
    test(`${what} is told in one error line, ends the commands, and the work is kept`, async () => {
      using checkout = await TestCheckout.create();
      const command = "echo x > work.txt; echo $$ > shell.pid; touch ready; sleep 600";
      await using model = await TurnModel.start([{ calls: [["bash", { command }]] }]);
      await using child = start(model.url, checkout, faulty(checkout, fault));
      child.stdin.write('{"type":"prompt","message":"work"}\n');
      child.stdin.flush();
      const events = eventsIn(await new Response(child.stdout).text());
      expect(await child.exited).toBe(1);
      const endings = events.filter((event) => event.type === "error" || event.type === "finish");
      expect(endings).toEqual([
        { type: "error", message: "the agent itself failed: struck", code: "internal" },
      ]);
      expect(events.at(-1)?.type).toBe("session_idle");
      expect(await new Response(child.stderr).text()).toContain("struck");
      expect(await checkout.git("log", "-1", "--format=%s")).toBe("Keep uncommitted changes of the run");
      const pid = readFileSync(join(checkout.dir, "shell.pid"), "utf8").trim();
      await eventually("the command is gone", () => !isAlive(pid));
    });

  test("before there is a prompt it is told too", async () => {
    using checkout = await TestCheckout.create();
    await using model = await TurnModel.start([FINISH]);
    const argv = faulty(checkout, 'throw new Error("struck");');
    await using child = start(model.url, checkout, argv);
    let text = "";
    for await (const chunk of child.stdout) {
      writeFileSync(checkout.path("ready"), ""); // it has said that it starts
      text += new TextDecoder().decode(chunk);
    }
    const events = eventsIn(text);
    expect(await child.exited).toBe(1);
    expect(events.slice(1)).toEqual([
      { type: "error", message: "the agent itself failed: struck", code: "internal" },
      { type: "session_idle" },
    ]);
    expect(model.requests()).toEqual([]);
  });
});

test("a reader that is gone ends the agent and its commands quickly", async () => {
  using checkout = await TestCheckout.create();
  const command = "echo $$ > shell.pid; touch ready; while :; do echo line; sleep 0.05; done";
  await using model = await TurnModel.start([{ calls: [["bash", { command }]] }]);
  await using child = start(model.url, checkout, [process.execPath, MAIN]);
  child.stdin.write('{"type":"prompt","message":"work"}\n');
  child.stdin.flush();
  await eventually("the command runs", () => existsSync(checkout.path("ready")));
  await child.stdout.cancel();
  const startedMs = performance.now();
  // An agent that says nothing notices nothing: an abort makes it speak.
  child.stdin.write('{"type":"abort"}\n');
  child.stdin.flush();
  await child.exited;
  expect(performance.now() - startedMs).toBeLessThan(8_000);
  expect(isAlive(readFileSync(checkout.path("shell.pid"), "utf8").trim())).toBe(false);
});

test("a slow reader of a full pipe gets every line", async () => {
  using checkout = await TestCheckout.create();
  const words = Array.from(
    { length: 40 },
    (_, n): Turn => ({
      calls: [
        [
          "bash",
          {
            command: `head -c 20000 /dev/zero | tr '\\0' '${String.fromCharCode(97 + (n % 26))}'; echo ${n}`,
          },
        ],
      ],
    }),
  );
  await using model = await TurnModel.start([...words, FINISH]);
  await using child = start(model.url, checkout, [process.execPath, MAIN]);
  child.stdin.write('{"type":"prompt","message":"work"}\n');
  child.stdin.flush();
  await eventually("the agent waits for its reader", () => model.requests().length >= 2);
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    await Bun.sleep(1);
  }
  expect(await child.exited).toBe(0);
  const events = eventsIn(text);
  expect(events.filter((event) => event.type === "tool_done")).toHaveLength(words.length + 1);
  expect(events.slice(-2).map((event) => event.type)).toEqual(["finish", "session_idle"]);
});

test("after the first finish or error there is no other, and nothing after session_idle", () => {
  const said: string[] = [];
  const events = endingEvents({ emit: ({ type }) => said.push(type), drained: () => Promise.resolve() });
  events.emit({ type: "content", text: "x" });
  events.emit({ type: "error", message: "first" });
  events.emit({ type: "finish", outcome: "completed", summary: "second" });
  events.emit({ type: "message", role: "agent", text: "still told" });
  events.emit({ type: "session_idle" });
  events.emit({ type: "session_idle" });
  events.emit({ type: "content", text: "late" });
  expect(said).toEqual(["content", "error", "message", "session_idle"]);
});

/** A killed process that nobody has waited for yet is a zombie: dead, though it still has its number. */
function isAlive(pid: string): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && !/\) Z /.test(readFileSync(stat, "utf8"));
}
