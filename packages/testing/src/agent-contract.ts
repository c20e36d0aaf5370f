import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AGENT_EXIT } from "@windshift/contract/agent-exit.ts";
import { ABORT_GRACE_MS } from "@windshift/contract/limits.ts";
import { AgentDriver } from "./agent-driver.ts";
import { eventually } from "./eventually.ts";
import { createRepository, gitOut } from "./git-repository.ts";
import type { ModelScript, ModelTurn } from "./model-script.ts";
import { type ScriptedModel, startScriptedModel } from "./scripted-model.ts";
import { tempDir } from "./temp-dir.ts";

/** One agent under test: how it is started, and how a model makes it do something. */
export interface AgentUnderTest {
  argv: readonly string[];
  /** Its own variables, beside those every agent is given. */
  env?: Record<string, string>;
  /** What the model says so that this agent runs a shell command in the checkout. */
  command(command: string): ModelTurn;
  /** What the model says so that this agent ends as completed. */
  finish(summary: string): ModelTurn;
  can: AgentCapabilities;
}

/** What an agent may do or leave. The suite holds it to what it claims, and to doing nothing else. */
export interface AgentCapabilities {
  /** When a message of a person reaches the model: before its next call, after the work at hand, or not at all. */
  steering: "before_next_call" | "after_the_work" | "none";
  /** Whether commands of the model are seen as `tool_start` and `tool_done`, and with how they ended. */
  toolEvents: "none" | "without_exit_code" | "with_exit_code";
  /** Whether it ends by itself what a command leaves in the background; the end of its container does in any case. */
  endsBackground: boolean;
}

/** Longest a run of the suite may take, ms: an agent tries a broken model several times, with pauses. */
const TEST_MS_MAX = 60_000;
/** One line of output of a command, bytes: over the limit of a line of the contract. */
const FLOOD_BYTES = 3_000_000;
const REQUIRED = ["LLM_BASE_URL", "LLM_MODEL"] as const;

/** What every agent promises: docs/agent.md. Linux only: it looks for survivors in /proc. */
export function agentContract(name: string, under: AgentUnderTest): void {
  describe(`agent contract: ${name}`, () => {
    let model: ScriptedModel;
    beforeAll(async () => {
      model = await startScriptedModel({ script: [under.finish("unused")] });
    });
    afterAll(() => model.stop());
    const check = (fact: string, body: () => Promise<void>) => test(fact, body, TEST_MS_MAX);
    const bench = (script: ModelScript, env: Record<string, string> = {}) => {
      model.play(script.map(numberedAnew));
      return TestBench.create(under, { LLM_BASE_URL: model.url, LLM_MODEL: "scripted", ...env });
    };

    check("a prompt leads to one finish, then session_idle, and exit code 0", async () => {
      await using run = await bench([under.command("echo hello > new.txt"), under.finish("all is done")]);
      await run.finishes();
      expect(run.agent.events[0]?.type).toBe("starting");
      const [finish] = run.agent.list("finish");
      expect(finish).toMatchObject({ outcome: "completed" });
      expect(finish?.summary).toContain("all is done");
      expect(run.agent.list("tool_done").length > 0).toBe(under.can.toolEvents !== "none");
    });

    check("it waits for its prompt and asks the model nothing before", async () => {
      await using run = await bench([under.finish("all is done")]);
      await run.agent.next("starting");
      const before = model.requests.length;
      run.agent.sendLine("no JSON at all");
      run.agent.sendLine('{"type":"of_a_later_version","message":"not a prompt"}');
      run.agent.sendLine('{"type":"prompt"}');
      expect(model.requests).toHaveLength(before);
      await run.finishes("the real prompt");
      const asked = JSON.stringify(model.requests.slice(before).map(({ messages }) => messages));
      expect(asked).toContain("the real prompt");
      expect(asked).not.toContain("not a prompt");
    });

    check("a tool is seen to start and to end under one id", async () => {
      await using run = await bench([under.command("echo told; exit 3"), under.finish("all is done")]);
      await run.finishes();
      const [started, done] = [run.agent.list("tool_start")[0], run.agent.list("tool_done")[0]];
      if (under.can.toolEvents === "none") return expect([started, done]).toEqual([undefined, undefined]);
      expect(done).toMatchObject({ id: started?.id, tool: started?.tool });
      expect(done?.exit_code).toBe(under.can.toolEvents === "with_exit_code" ? 3 : undefined);
      expect(done?.output).toContain("told");
      expect(JSON.stringify(started?.args)).toContain("echo told");
    });

    check(
      "commits carry the agent's name and the run's trailers, what was left uncommitted too",
      async () => {
        await using run = await bench([
          under.command("echo one > one.txt && git add one.txt && git commit --quiet --message 'Add one'"),
          under.command("echo two > two.txt"),
          under.finish("all is done"),
        ]);
        await run.finishes();
        expect(await run.git("status", "--porcelain")).toBe("");
        expect(await run.git("show", "HEAD:two.txt")).toBe("two");
        const log = await run.git("log", "--format=%an <%ae>|%(trailers:separator=%x3B)", "main~2..main");
        const expected =
          "windshift-agent <agent@windshift.local>|Windshift-Run: 7;Windshift-Item: DEMO-1;Requested-by: Ada <ada@example.test>";
        // The base commit has been there before: two are new.
        expect(log.split("\n")).toEqual([expected, expected]);
      },
    );

    check("output larger than a line may be is cut, not sent", async () => {
      const flood = `head -c ${FLOOD_BYTES} /dev/zero | tr '\\0' x`;
      await using run = await bench([under.command(flood), under.finish("all is done")]);
      await run.finishes();
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
      const before = model.requests.length;
      run.agent.send({ type: "prompt", message: "the task" });
      await eventually("the command runs", () => existsSync(run.path("started")));
      run.agent.send({ type: "message", id: "m-1", text: "use tabs, please" });
      // The line is in the pipe before the command can end.
      writeFileSync(run.path("go"), "");
      await run.ends("finish");
      const requests = model.requests.slice(before).map(({ messages }) => JSON.stringify(messages));
      const told = requests.findIndex((messages) => messages.includes("use tabs, please"));
      if (under.can.steering === "none") {
        expect([told, run.agent.list("received")]).toEqual([-1, []]);
        return;
      }
      expect(run.agent.list("received")).toEqual([{ type: "received", id: "m-1" }]);
      expect(told).toBe(under.can.steering === "before_next_call" ? 1 : 2);
    });

    check("abort ends a running command and all its processes within the grace; commits stay", async () => {
      await using run = await bench([
        under.command(
          "git commit --quiet --allow-empty -m 'Kept' && (sleep 600 & sleep 600 & touch started; trap '' TERM; while :; do sleep 0.1; done)",
        ),
        under.finish("not reached"),
      ]);
      run.agent.send({ type: "prompt", message: "the task" });
      await eventually("the command runs", () => existsSync(run.path("started")));
      const startedMs = performance.now();
      run.agent.send({ type: "abort" });
      await run.ends("error");
      expect(performance.now() - startedMs).toBeLessThan(ABORT_GRACE_MS);
      expect(run.agent.list("error")[0]?.code).toBe("aborted");
      expect(await run.git("log", "-1", "--format=%s")).toBe("Kept");
    });

    check("abort does not wait for a model that is silent", async () => {
      await using run = await bench([{ ...under.finish("too late"), delay_ms: TEST_MS_MAX }]);
      const before = model.requests.length;
      run.agent.send({ type: "prompt", message: "the task" });
      await eventually("the model was asked", () => model.requests.length > before);
      const startedMs = performance.now();
      run.agent.send({ type: "abort" });
      await run.ends("error");
      expect(performance.now() - startedMs).toBeLessThan(ABORT_GRACE_MS);
    });

    check("the end of input ends it, before the prompt and in the middle of its work", async () => {
      await using idle = await bench([under.finish("not reached")]);
      idle.agent.closeInput();
      await idle.ends("error");
      await using busy = await bench([
        under.command("touch started; sleep 600"),
        under.finish("not reached"),
      ]);
      busy.agent.send({ type: "prompt", message: "the task" });
      await eventually("the command runs", () => existsSync(busy.path("started")));
      busy.agent.closeInput();
      const startedMs = performance.now();
      await busy.ends("error");
      expect(performance.now() - startedMs).toBeLessThan(ABORT_GRACE_MS);
    });

    check("what a command leaves in the background does not keep the run from ending", async () => {
      await using run = await bench([
        under.command("(sleep 600 >/dev/null 2>&1 &) ; echo left"),
        under.finish("all is done"),
      ]);
      await run.finishes();
    });

    const faults: [name: string, turn: ModelTurn][] = [
      ["a model that fails", { error: { status: 500, message: "scripted failure" } }],
      ["a model that refuses the key", { error: { status: 401, message: "scripted refusal" } }],
    ];
    for (const [fault, turn] of faults)
      check(`${fault} ends the run with an error that names it`, async () => {
        await using run = await bench([turn]);
        run.agent.send({ type: "prompt", message: "the task" });
        await run.ends("error");
        expect(run.agent.list("error")[0]?.message).not.toBe("");
      });

    check("a model that cannot be reached ends the run with an error", async () => {
      const closed = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
      const url = `http://127.0.0.1:${closed.port}`;
      await closed.stop(true);
      await using run = await bench([under.finish("not reached")], { LLM_BASE_URL: url });
      run.agent.send({ type: "prompt", message: "the task" });
      expect<number[]>([AGENT_EXIT.failed, AGENT_EXIT.apiUnreachable]).toContain(await run.ends("error"));
    });

    for (const missing of REQUIRED)
      check(`without ${missing} it says so in one line on stderr and exits with 2`, async () => {
        await using run = await bench([under.finish("not reached")], { [missing]: "" });
        expect(await run.agent.ended()).toBe(AGENT_EXIT.badSettings);
        expect([run.agent.events, run.agent.badLines]).toEqual([[], []]);
        const lines = (await run.agent.stderr).trimEnd().split("\n");
        expect(lines).toHaveLength(1);
        expect(lines[0]).toContain(missing);
      });
  });
}

/** As some providers do, the model begins with the same id in every reply. */
function numberedAnew(turn: ModelTurn): ModelTurn {
  if (turn.tool_calls === undefined) return turn;
  return { ...turn, tool_calls: turn.tool_calls.map((call, at) => ({ ...call, id: `call_${at}` })) };
}

/** An agent at work in a repository of its own. */
class TestBench implements AsyncDisposable {
  private constructor(
    readonly agent: AgentDriver,
    private readonly under: AgentUnderTest,
    private readonly checkout: string,
    private readonly remove: () => void,
  ) {}

  static async create(under: AgentUnderTest, env: Record<string, string>): Promise<TestBench> {
    const root = tempDir();
    const [checkout, home] = [join(root.path, "checkout"), join(root.path, "home")];
    mkdirSync(home);
    await createRepository(checkout, {
      files: { "README.md": "a project\n", ".gitignore": "started\ngo\n" },
    });
    const given = {
      PATH: process.env.PATH ?? "",
      HOME: home,
      TMPDIR: home,
      LLM_API_KEY: "wsrun_test",
      WINDSHIFT_WORKSPACE: checkout,
      AGENT_RUN_ID: "7",
      WINDSHIFT_ITEM_KEY: "DEMO-1",
      WINDSHIFT_REQUESTED_BY: "Ada <ada@example.test>",
    };
    const agent = new AgentDriver(under.argv, checkout, { ...given, ...under.env, ...env });
    return new TestBench(agent, under, checkout, root.remove);
  }

  path(name: string): string {
    return join(this.checkout, name);
  }

  git(...args: string[]): Promise<string> {
    return gitOut(args, this.checkout);
  }

  /** Sends the prompt and waits for a good end. */
  async finishes(message = "the task"): Promise<void> {
    this.agent.send({ type: "prompt", message });
    await this.ends("finish");
  }

  /**
   * Waits for the end and looks at what holds for every run: its lines, their order, and that nothing lives on.
   * @returns the exit code
   */
  async ends(how: "finish" | "error"): Promise<number> {
    const exitCode = await this.agent.ended();
    expect(this.agent.badLines).toEqual([]);
    const { events } = this.agent;
    const last = events.filter(
      ({ type }) => type === "finish" || type === "error" || type === "session_idle",
    );
    expect<unknown>(last).toMatchObject([{ type: how }, { type: "session_idle" }]);
    expect(events.at(-1)?.type).toBe("session_idle");
    expect(exitCode === AGENT_EXIT.ok).toBe(how === "finish");
    for (const type of ["tool_start", "tool_done"] as const) {
      const ids = this.agent.list(type).map(({ id }) => id);
      expect(ids).toEqual([...new Set(ids)]);
    }
    // A killed process takes a moment to be gone; one that lives on does not go.
    if (this.under.can.endsBackground)
      await eventually("no process of the agent lives on", () => this.agent.processes().length === 0);
    return exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent[Symbol.asyncDispose]();
    this.remove();
  }
}
