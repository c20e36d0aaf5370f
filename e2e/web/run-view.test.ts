import { expect, setDefaultTimeout, test } from "bun:test";
import type { Page } from "playwright-core";
import { type LiveRun, startLiveRun } from "../../apps/server/src/testing/test-workspace.ts";
import { emit, useScene } from "./web.fixture.ts";

setDefaultTimeout(60_000);

const scene = useScene({ workspace: "DEMO" });

function rowsOf(page: Page, run: LiveRun) {
  return page.getByRole("region", { name: `Transcript of run ${run.runId}` });
}

test("events appear in an open page as they are stored, and the run's state follows", async () => {
  const run = await startLiveRun(scene.server, scene.ada, scene.workspace);
  const { page } = scene.tab;
  await page.goto(`/items/${run.item.key}`);
  await page.getByText("Live", { exact: true }).waitFor();
  const rows = rowsOf(page, run);
  await emit(scene.server, run, 1, [
    { type: "lifecycle", data: { phase: "agent" } },
    { type: "content", data: { text: "I will look at " } },
  ]);
  await rows.getByText("I will look at").waitFor();
  await page.locator(".run-phase", { hasText: "The agent is working" }).waitFor();
  await emit(scene.server, run, 3, [
    { type: "content", data: { text: "the test." } },
    { type: "tool_start", data: { id: "1", tool: "bash", args: { command: "sh test.sh" } } },
  ]);
  await rows.getByText("I will look at the test.").waitFor();
  await rows.getByText("running", { exact: true }).waitFor();
  const output = "\u001b[31mFAIL\u001b[0m add\n2\n3\n4\n5\n6\nthe last line";
  await emit(scene.server, run, 5, [
    { type: "tool_done", data: { id: "1", tool: "bash", output, exit_code: 1, duration_ms: 1_500 } },
    { type: "lifecycle", data: { phase: "exporting" } },
  ]);
  await rows.locator(".term-front-1", { hasText: "FAIL" }).waitFor();
  await rows.getByText("… 2 more lines").waitFor();
  await rows.getByRole("button", { name: /bash sh test\.sh exit 1 · 1\.5 s/ }).click();
  await rows.getByText("the last line").waitFor();
  await page.locator(".run-phase", { hasText: "Taking the commits out" }).waitFor();
  expect(await rows.locator(".tool").count()).toBe(1);
  expect(await rows.getByText("the last line").isVisible()).toBe(true);
});

test("a running tool's output appears as it comes, and its result takes its place", async () => {
  const run = await startLiveRun(scene.server, scene.ada, scene.workspace);
  await emit(scene.server, run, 1, [
    { type: "tool_start", data: { id: "1", tool: "bash", args: { command: "sh test.sh" } } },
    { type: "tool_output", data: { id: "1", text: "ok: one\n\u001b[3" } },
  ]);
  const { page } = scene.tab;
  await page.goto(`/items/${run.item.key}/runs/${run.runId}`);
  const rows = rowsOf(page, run);
  const live = rows.locator(".tool-live");
  await live.filter({ hasText: /^ok: one\n?$/ }).waitFor();
  await emit(scene.server, run, 3, [
    { type: "tool_output", data: { id: "1", text: "2mok: two\u001b[0m\n" } },
  ]);
  await live.filter({ hasText: /^ok: one\nok: two\n?$/ }).waitFor();
  await emit(scene.server, run, 4, [
    { type: "tool_output", data: { id: "none", text: "of a tool that never began" } },
    { type: "tool_output", data: { id: "1", text: `${"x".repeat(20_000)}\n` } },
  ]);
  await live.filter({ hasText: "xxx" }).waitFor();
  expect((await live.textContent())?.length).toBeLessThanOrEqual(8_000);
  const output = "ok: one\nok: two\nall of it";
  await emit(scene.server, run, 6, [
    { type: "tool_done", data: { id: "1", tool: "bash", output, exit_code: 0, duration_ms: 2_500 } },
  ]);
  await rows.getByText("2.5 s").waitFor();
  await rows.getByText("all of it").waitFor();
  expect([await live.count(), await rows.getByText("never began").count()]).toEqual([0, 0]);
});

test("a page that is reloaded shows the whole transcript again; a run is canceled, then stopped at once", async () => {
  const run = await startLiveRun(scene.server, scene.ada, scene.workspace);
  await emit(scene.server, run, 1, [{ type: "content", data: { text: "Said before the page was opened." } }]);
  const { page } = scene.tab;
  await page.goto(`/items/${run.item.key}`);
  await page.getByText("Said before the page was opened.").waitFor();
  await page.getByRole("button", { name: "Cancel run" }).click();
  await page.getByText("The agent was asked to stop.").waitFor();
  await page.getByRole("button", { name: "Stop at once" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Stop it now" }).click();
  await page.locator(`#run-${run.runId} .run-badge`, { hasText: /Killed|Canceled/ }).waitFor();
  await page.getByRole("button", { name: "Run again" }).waitFor();
  await page.reload();
  await page.getByText("Said before the page was opened.").waitFor();
  expect(await page.getByRole("button", { name: "Cancel run" }).count()).toBe(0);
});

test("no page asks anything of another address or breaks its own rules", () => {
  expect({ foreign: scene.tab.foreign, errors: scene.tab.errors }).toEqual({ foreign: [], errors: [] });
});
