import type { ModelScript } from "../model-script.ts";
import type { ScriptedModel } from "../scripted-model.ts";
import type { AgentUnderTest } from "./agent-under-test.ts";
import type { TestBench } from "./test-bench.ts";

/** What the parts of the suite are made with. */
export interface ContractSuite {
  under: AgentUnderTest;
  /** What the model was asked so far, by every agent of the suite. */
  requests(): ScriptedModel["requests"];
  check(fact: string, body: () => Promise<void>): void;
  /** Starts the agent with a model that says this. */
  bench(script: ModelScript, env?: Record<string, string>): Promise<TestBench>;
}
