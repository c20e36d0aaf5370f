import { expect, setDefaultTimeout, test } from "bun:test";
import { LIST_PAGE } from "@windshift/contract/limits.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { startLiveRun } from "../../apps/server/src/testing/test-workspace.ts";
import { startAskingRun } from "./run-scene.ts";
import { emit, findViolations, LOOKS, sidewaysScroll, useScene } from "./web.fixture.ts";

setDefaultTimeout(60_000);

const scene = useScene({ workspace: "DEMO" });

test("the runs of a workspace are listed and narrowed by state, which the address keeps", async () => {
  const ended = await startLiveRun(scene.server, scene.ada, scene.workspace);
  await scene.ada.post(`/api/v1/agent-runs/${ended.runId}/cancel`, { force: true });
  await startLiveRun(scene.server, scene.ada, scene.workspace);
  const { page } = scene.tab;
  await page.goto("/w/DEMO/runs");
  await page.locator(".runs-list .run-badge", { hasText: "Running" }).first().waitFor();
  await page.getByRole("group", { name: "Status" }).getByText("Killed").click();
  await page.locator(".runs-list .run-badge", { hasText: "Running" }).first().waitFor({ state: "detached" });
  await page.locator(".runs-list .run-badge", { hasText: "Killed" }).first().waitFor();
  await page.waitForURL(/status=killed/);
  await page.reload();
  await page.locator(".runs-list .run-badge", { hasText: "Killed" }).first().waitFor();
  expect(await page.locator(".runs-list .run-badge", { hasText: "Running" }).count()).toBe(0);
});

test("the runs of an item are all there step by step, each once", async () => {
  const { item, runId } = await startLiveRun(scene.server, scene.ada, scene.workspace);
  await scene.ada.post(`/api/v1/agent-runs/${runId}/cancel`, { force: true });
  const { kysely } = scene.server.database;
  const { id: _id, ...ended } = await kysely
    .selectFrom("runs")
    .selectAll()
    .where("id", "=", runId)
    .executeTakeFirstOrThrow();
  // More than two answers of the server hold.
  const count = 2 * LIST_PAGE + 3;
  for (let more = 1; more < count; more++) await kysely.insertInto("runs").values(ended).execute();
  const { page } = scene.tab;
  await page.goto(`/items/${item.key}`);
  const lines = page.locator(".run-older");
  const shown = async (lineCount: number) =>
    eventually(`${lineCount} lines`, async () => (await lines.count()) === lineCount, 30_000);
  await shown(5);
  await page.getByRole("button", { name: `${LIST_PAGE - 6} or more earlier runs` }).click();
  await shown(LIST_PAGE - 1);
  const older = page.getByRole("button", { name: "Older runs" });
  await older.click();
  await shown(2 * LIST_PAGE - 1);
  await older.click();
  await shown(count - 1);
  expect([await older.count(), new Set(await lines.allInnerTexts()).size]).toEqual([0, count - 1]);
});

test("each page is free of barriers, on a laptop and a phone, light and dark", async () => {
  const run = await startAskingRun(scene.server, scene.ada, scene.workspace, "Which file?");
  const live = await startLiveRun(scene.server, scene.ada, scene.workspace);
  await emit(scene.server, live, 1, [
    { type: "lifecycle", data: { phase: "agent" } },
    { type: "content", data: { text: "said" } },
    { type: "tool_start", data: { id: "1", tool: "bash", args: { command: "git diff" } } },
    {
      type: "tool_done",
      data: {
        id: "1",
        tool: "bash",
        output: Array.from(
          { length: 16 },
          (_, n) => `\u001b[${n < 8 ? 30 + n : 82 + n}mcolor ${n}\u001b[0m \u001b[2mfaint\u001b[0m`,
        ).join("\n"),
        exit_code: 1,
        duration_ms: 5,
      },
    },
    { type: "tool_start", data: { id: "2", tool: "bash", args: { command: "git diff" } } },
    {
      type: "tool_done",
      data: {
        id: "2",
        tool: "bash",
        output: "diff --git a/a b/a\n@@ -1 +1 @@\n-a\n+b",
        exit_code: 0,
        duration_ms: 5,
      },
    },
    { type: "warning", data: { message: "careful" } },
    { type: "stderr", data: { text: "error output" } },
    { type: "lifecycle", data: { note: "finish", outcome: "completed", summary: "done" } },
  ]);
  const { page } = scene.tab;
  const found: string[] = [];
  const look = async (name: string) => {
    for (const { width, colorScheme } of LOOKS) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      for (const violation of await findViolations(page))
        found.push(`${name} ${width} ${colorScheme}: ${violation}`);
      if ((await sidewaysScroll(page)) > 0) found.push(`${name} ${width}: scrolls sideways`);
    }
    await page.setViewportSize({ width: 1_280, height: 900 });
  };
  await page.goto(`/items/${live.item.key}/runs/${live.runId}`);
  await page.getByText("careful").waitFor();
  await page.locator(".tool-head").first().click();
  await page.getByText("color 15").waitFor();
  await look("run");
  for (const part of ["Changes", "Attempts", "Prompt"]) {
    await page.getByRole("tab", { name: part }).click();
    await page.getByRole("tabpanel", { name: part }).waitFor();
    await look(part);
  }
  await page.goto(`/items/${run.item.key}/runs/${run.runId}`);
  await page.getByLabel("Your answer").waitFor();
  await look("question");
  await page.goto("/w/DEMO/runs");
  await page.locator(".runs-list li").first().waitFor();
  await look("runs");
  expect(found).toEqual([]);
});

test("no page asks anything of another address or breaks its own rules", () => {
  expect({ foreign: scene.tab.foreign, errors: scene.tab.errors }).toEqual({ foreign: [], errors: [] });
});
