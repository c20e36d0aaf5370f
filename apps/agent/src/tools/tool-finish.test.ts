import { expect, test } from "bun:test";
import { ToolRig } from "../testing/tool-rig.ts";
import { type Finish, finishTool } from "./tool-finish.ts";

test("finish takes what is said of the end, and asks for it when nothing is", async () => {
  using rig = await ToolRig.create();
  const ends: Finish[] = [];
  const tool = finishTool((finish) => ends.push(finish));
  for (const summary of ["", " \n"]) {
    const { output } = await rig.call(tool, { outcome: "completed", summary });
    expect(output).toStartWith("error: finish: the summary is empty");
  }
  expect(ends).toEqual([]);
  await rig.call(tool, { outcome: "blocked", summary: "no network" });
  expect(ends).toEqual([{ outcome: "blocked", summary: "no network" }]);
});
