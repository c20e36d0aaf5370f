import { expect, test } from "bun:test";
import { ToolRig } from "../testing/tool-rig.ts";
import { planTool } from "./tool-plan.ts";

test("plan tells people what is to be done, and what is wrong with an empty or an endless one", async () => {
  using rig = await ToolRig.create();
  const plans: string[] = [];
  const tool = planTool((text) => plans.push(text));
  expect((await rig.call(tool, { text: " \n" })).output).toStartWith("error: plan: the text is empty");
  expect((await rig.call(tool, { text: "x".repeat(4_001) })).output).toContain(
    "4001 characters; at most 4000",
  );
  expect(plans).toEqual([]);
  expect((await rig.call(tool, { text: "1. look\n2. change\n" })).output).toBe("shown");
  expect((await rig.call(tool, { plan: "3. test" })).output).toBe("shown");
  expect(plans).toEqual(["1. look\n2. change", "3. test"]);
});
