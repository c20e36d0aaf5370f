import { expect } from "bun:test";
import { AGENT_EXIT } from "@windshift/contract/agent-exit.ts";
import type { ModelTurn } from "../model-script.ts";
import type { ContractSuite } from "./contract-suite.ts";

const REQUIRED = ["LLM_BASE_URL", "LLM_MODEL"] as const;

/** Models that fail, and settings that are missing. */
export function checkFaults({ under, check, bench }: ContractSuite): void {
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
    await using run = await bench([under.finish("not reached")], { LLM_BASE_URL: url, LLM_TRIES: "1" });
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
}
