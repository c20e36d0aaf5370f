import { baseEnv, type Harness, type HarnessPlace, MODEL_ID, TASK } from "./harness.ts";

/** As in deploy/docker/Dockerfile. */
const IMAGE_ENV = {
  BUN_JSC_useDFGJIT: "0",
  BUN_JSC_thresholdForJITAfterWarmUp: "10000",
  BUN_JSC_thresholdForJITSoon: "10000",
};
const FINISH = {
  tool: "finish",
  args: { outcome: "completed", summary: "The export reads each file once now; a test shows it." },
};

/** The agent as it runs in its container, in all but the container. */
export function ourAgent(program: string, place: HarnessPlace, options: { stream: boolean }): Harness {
  return {
    name: options.stream ? "ours, streaming" : "ours",
    argv: [program],
    env: { ...settings(place), ...IMAGE_ENV, LLM_STREAM: options.stream ? "1" : "0" },
    ...CONTRACT,
  };
}

/** The floor: takes the same settings and the same prompt. */
export function floorAgent(program: string, place: HarnessPlace): Harness {
  return { name: "floor", argv: [program], env: settings(place), ...CONTRACT };
}

const CONTRACT = {
  input: `${JSON.stringify({ type: "prompt", message: TASK })}\n`,
  closesInput: false,
  command: (line: string) => ({ tool: "bash", args: { command: line } }),
  end: FINISH,
};

function settings(place: HarnessPlace): Record<string, string> {
  return {
    ...baseEnv(place),
    LLM_BASE_URL: place.modelUrl,
    LLM_MODEL: MODEL_ID,
    LLM_API_KEY: "wsrun_bench",
    LLM_CONTEXT_SIZE: "200000",
    WINDSHIFT_WORKSPACE: place.checkout,
    AGENT_RUN_ID: "1",
    WINDSHIFT_ITEM_KEY: "DEMO-1",
  };
}
