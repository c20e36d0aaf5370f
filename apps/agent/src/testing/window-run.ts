import { AgentProcess, TestCheckout } from "./agent-process.ts";
import { type Answer, WindowModel, type WindowModelOptions } from "./window-model.ts";

export const TASK = "Find the ten facts. TASK-MARK";

export interface WindowRun {
  model: WindowModel;
  agent: AgentProcess;
  code: number;
}

interface Settings {
  /** What the agent is told at its start; the model's own window unless given. */
  window?: number;
  env?: Record<string, string>;
  task?: string;
  /** Called once the task is sent. */
  meanwhile?: (agent: AgentProcess) => void;
}

/** Runs the agent as a process against a model with a window. @param look at what came of it, while the checkout still stands */
export async function runInWindow(
  options: WindowModelOptions,
  settings: Settings,
  look: (run: WindowRun) => Promise<void> | void,
): Promise<void> {
  using checkout = await TestCheckout.create();
  using model = new WindowModel(options);
  await using agent = new AgentProcess(model.url, checkout, {
    LLM_CONTEXT_SIZE: String(settings.window ?? options.window),
    AGENT_TURNS_MAX: "400",
    ...settings.env,
  });
  agent.send({ type: "prompt", message: settings.task ?? TASK });
  settings.meanwhile?.(agent);
  const code = await agent.ended();
  await look({ model, agent, code });
  if (model.breaches.length > 0) throw new Error(`the model refused: ${model.breaches.join("; ")}`);
}

export const finish = (summary: string): Answer => ({
  calls: [["finish", { outcome: "completed", summary }]],
});
export const factsIn = (text: string) => [...new Set(text.match(/FACT-\d+=[a-z]/g) ?? [])].toSorted();

/** A summary that keeps the facts. */
export const summary: NonNullable<WindowModelOptions["summary"]> = ({ text }) => ({
  text: `## Decisions\n${factsIn(text).join("\n")}`,
});

/** Prints a fact and then 40 KB, by a command that changes a file, so that it counts as progress. */
export function work(turn: number, print = `seq ${turn}0001 ${turn}7000`): Answer {
  const fact = turn < 10 ? `echo FACT-${turn}=${"abcdefghij"[turn]}; ` : "";
  return { calls: [["bash", { command: `${fact}echo ${turn} > work.txt; ${print}` }]] };
}

/** Works for so many turns, then finishes with the facts it can still see. */
export function working(turns: number, print?: string): WindowModelOptions["turn"] {
  return ({ number, text }) =>
    number < turns ? work(number, print) : finish(factsIn(text).join(" ") || "no facts are left");
}
