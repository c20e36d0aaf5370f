import { afterAll, beforeAll, describe, test } from "bun:test";
import type { AgentUnderTest } from "./agent-contract/agent-under-test.ts";
import { checkFaults } from "./agent-contract/contract-faults.ts";
import { checkInput } from "./agent-contract/contract-input.ts";
import { checkStops } from "./agent-contract/contract-stops.ts";
import type { ContractSuite } from "./agent-contract/contract-suite.ts";
import { checkWork } from "./agent-contract/contract-work.ts";
import { TestBench } from "./agent-contract/test-bench.ts";
import type { ModelTurn } from "./model-script.ts";
import { type ScriptedModel, startScriptedModel } from "./scripted-model.ts";

/** Longest a run of the suite may take, ms: an agent tries a broken model several times, with pauses. */
const TEST_MS_MAX = 60_000;

/** What every agent promises: docs/agent.md. Linux only: it looks for survivors in /proc. */
export function agentContract(name: string, under: AgentUnderTest): void {
  describe(`agent contract: ${name}`, () => {
    let model: ScriptedModel;
    beforeAll(async () => {
      model = await startScriptedModel({ script: [under.finish("unused")] });
    });
    afterAll(() => model.stop());
    const suite: ContractSuite = {
      under,
      requests: () => model.requests,
      check: (fact, body) => test(fact, body, TEST_MS_MAX),
      bench(script, env = {}) {
        model.play(script.map(numberedAnew));
        return TestBench.create(under, { LLM_BASE_URL: model.url, LLM_MODEL: "scripted", ...env });
      },
    };
    for (const part of [checkInput, checkWork, checkStops, checkFaults]) part(suite);
  });
}

/** As some providers do, the model begins with the same id in every reply. */
function numberedAnew(turn: ModelTurn): ModelTurn {
  if (turn.tool_calls === undefined) return turn;
  return { ...turn, tool_calls: turn.tool_calls.map((call, at) => ({ ...call, id: `call_${at}` })) };
}
