import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { readScenarios } from "./scenario.ts";
import { tempDir } from "./temp-dir.ts";

const SCENARIOS = resolve(import.meta.dir, "../../../e2e/scenarios");
const Text = z.object({ old_text: z.string() });
/** One edit beside the path, or a list of them. */
const Edit = z.union([
  z.object({ path: z.string(), edits: z.array(Text) }),
  Text.extend({ path: z.string() }).transform(({ path, old_text }) => ({ path, edits: [{ old_text }] })),
]);

describe("the scenarios of the repository", () => {
  const scenarios = readScenarios(SCENARIOS);

  test("have titles of their own", () => {
    const titles = scenarios.map(({ scenario }) => scenario.title);
    expect(new Set(titles).size).toBe(titles.length);
    expect(titles.length).toBeGreaterThan(0);
  });

  test.each(scenarios)("$name: edits texts that its project has exactly once", ({ model, projectDir }) => {
    expect(existsSync(join(projectDir, "README.md"))).toBe(true);
    for (const call of model.flatMap((turn) => turn.tool_calls ?? [])) {
      if (call.name !== "edit_file") continue;
      const { path, edits } = Edit.parse(call.args);
      const text = readFileSync(join(projectDir, path), "utf8");
      for (const { old_text } of edits) expect(text.split(old_text)).toHaveLength(2);
    }
  });
});

describe("reading a scenario", () => {
  test("names the file and the problem of a scenario that is not one", async () => {
    using dir = tempDir();
    await Bun.write(
      join(dir.path, "01-odd", "scenario.json"),
      JSON.stringify({ title: "does a thing at last" }),
    );
    expect(() => readScenarios(dir.path)).toThrow(/01-odd\/scenario\.json[\s\S]*item/);
  });

  test("refuses a field it does not know", async () => {
    using dir = tempDir();
    const known = { title: "does a thing at last", item: { title: "t", description: "" } };
    const expected = { status: "succeeded", reason: "completed", pull_request: true };
    const file = join(dir.path, "01-odd", "scenario.json");
    await Bun.write(file, JSON.stringify({ ...known, expect: { ...expected, pull_requests: 1 } }));
    expect(() => readScenarios(dir.path)).toThrow(/pull_requests/);
  });
});
