import type { AgentOutcome } from "@windshift/contract/run.ts";
import { defineTool } from "./tool.ts";

export interface Finish {
  outcome: AgentOutcome;
  summary: string;
}

/** Ends the run. Anything else the model asked for in the same turn is done first. */
export const FINISH_TOOL_NAME = "finish";

/** @param onFinish hears how the model says its work ended */
export function finishTool(onFinish: (finish: Finish) => void) {
  return defineTool({
    name: FINISH_TOOL_NAME,
    description: "End the run. Call it exactly once, when your work is committed or cannot go on.",
    parameters: {
      outcome: { type: "string", enum: ["completed", "blocked", "needs_info"] },
      summary: {
        type: "string",
        description: "What was done and how it was checked; or what blocks; or the question",
      },
    },
    run(finish) {
      if (finish.summary.trim() === "")
        return {
          output: "error: finish: the summary is empty; say what was done, what blocks, or what to answer",
        };
      onFinish(finish);
      return { output: "the run ends" };
    },
  });
}
