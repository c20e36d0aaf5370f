import { expect } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { AGENT_EXIT } from "@windshift/contract/agent-exit.ts";
import { AgentDriver } from "../agent-driver.ts";
import { eventually } from "../eventually.ts";
import { createRepository, gitOut } from "../git-repository.ts";
import { tempDir } from "../temp-dir.ts";
import type { AgentUnderTest } from "./agent-under-test.ts";

/** An agent at work in a repository of its own. */
export class TestBench implements AsyncDisposable {
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
