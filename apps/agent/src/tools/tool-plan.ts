import { defineTool, failed } from "./tool.ts";

/** Longest plan, characters: what people read at a glance above the transcript. */
const PLAN_CHARS_MAX = 4_000;

/** @param onPlan hears what the model is going to do; the last plan counts */
export function planTool(onPlan: (text: string) => void) {
  return defineTool({
    name: "plan",
    description:
      "Show people your plan, a short Markdown list: before work of several steps, and again when it changes.",
    parameters: { text: { type: "string", aliases: ["plan"] } },
    run({ text }) {
      const plan = text.trim();
      if (plan === "") return failed("plan: the text is empty; say in a few lines what you are going to do");
      if (plan.length > PLAN_CHARS_MAX)
        return failed(
          `plan: ${plan.length} characters; at most ${PLAN_CHARS_MAX}: leave out what is not a step`,
        );
      onPlan(plan);
      return { output: "shown" };
    },
  });
}
