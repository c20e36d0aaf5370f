import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { TestClient } from "../testing/test-client.ts";
import type { TestServer } from "../testing/test-server.ts";
import {
  createItem,
  createTestWorkspace,
  startLiveRun,
  type TestWorkspace,
} from "../testing/test-workspace.ts";
import {
  emit,
  launchBrowser,
  openPage,
  openTestPullRequest,
  signIn,
  startWebServer,
  type WatchedPage,
} from "./web.fixture.ts";

setDefaultTimeout(60_000);

let server: TestServer;
let chromium: Awaited<ReturnType<typeof launchBrowser>>;
let ada: TestClient;
let workspace: TestWorkspace;
let tab: WatchedPage;

beforeAll(async () => {
  server = await startWebServer();
  chromium = await launchBrowser();
  ada = await server.setUp();
  workspace = await createTestWorkspace(ada, "DEMO");
  tab = await openPage(chromium.browser, server);
  await signIn(tab.page);
});
afterAll(async () => {
  await chromium?.close();
  await server?.close();
});

test("a wrong password is said in place, and a person signs in and out", async () => {
  const { page, context } = await openPage(chromium.browser, server);
  await page.goto("/login");
  await page.getByLabel("E-mail").fill("ada@example.test");
  await page.getByLabel("Password").fill("not her password");
  await page.keyboard.press("Enter");
  expect(await page.getByRole("alert").textContent()).not.toBe("");
  await page.getByRole("alert").waitFor();
  expect(await page.getByLabel("E-mail").inputValue()).toBe("ada@example.test");
  await signIn(page);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("/login");
  await page.goto("/");
  expect(new URL(page.url()).pathname).toBe("/login");
  await context.close();
});

test("events appear in an open page as they are stored, and the run's state follows", async () => {
  const run = await startLiveRun(server, ada, workspace);
  const { page } = tab;
  await page.goto(`/items/${run.item.key}`);
  await page.getByText("Live", { exact: true }).waitFor();
  const stream = page.locator(`#transcript-${run.runId}`);

  await emit(server, run, 1, [
    { type: "lifecycle", data: { phase: "agent" } },
    { type: "content", data: { text: "I will look at " } },
  ]);
  await stream.getByText("I will look at").waitFor();
  await page.getByText("The agent is working").waitFor();
  await emit(server, run, 3, [
    { type: "content", data: { text: "the test." } },
    { type: "tool_start", data: { id: "1", tool: "bash", args: { command: "sh test.sh" } } },
  ]);
  await stream.getByText("I will look at the test.").waitFor();
  await stream.getByText("running", { exact: true }).waitFor();
  const output = "\u001b[31mFAIL\u001b[0m add";
  await emit(server, run, 5, [
    { type: "tool_done", data: { id: "1", tool: "bash", output, exit_code: 1, duration_ms: 1_500 } },
    { type: "lifecycle", data: { phase: "exporting" } },
  ]);
  await stream.getByText("exit 1 · 1.5 s").click();
  await stream.getByText("FAIL add", { exact: true }).waitFor();
  await page.locator(".run-phase", { hasText: "Taking the commits out" }).waitFor();
  // The card was rendered anew; what was opened in the transcript is still open, and nothing is there twice.
  expect(await stream.locator(".entry.tool").count()).toBe(1);
  expect(await stream.getByText("FAIL add", { exact: true }).isVisible()).toBe(true);
});

test("a running tool's output appears as it comes, and its result takes its place", async () => {
  const run = await startLiveRun(server, ada, workspace);
  await emit(server, run, 1, [
    { type: "tool_start", data: { id: "1", tool: "bash", args: { command: "sh test.sh" } } },
    { type: "tool_output", data: { id: "1", text: "ok: one\n\u001b[3" } },
  ]);
  const { page } = tab;
  await page.goto(`/items/${run.item.key}`);
  const stream = page.locator(`#transcript-${run.runId}`);
  await stream.locator(".tool-live", { hasText: "ok: one" }).waitFor();
  await emit(server, run, 3, [{ type: "tool_output", data: { id: "1", text: "2mok: two\u001b[0m\n" } }]);
  await stream.locator(".tool-live", { hasText: /^ok: one\nok: two\n$/ }).waitFor();
  expect(await stream.locator(".tool-live").isVisible()).toBe(true);
  await emit(server, run, 4, [
    { type: "tool_output", data: { id: "none", text: "of a tool that never began" } },
    { type: "tool_output", data: { id: "1", text: `${"x".repeat(20_000)}\n` } },
  ]);
  await stream.locator(".tool-live", { hasText: "xxx" }).waitFor();
  expect((await stream.locator(".tool-live").textContent())?.length).toBe(8_000);
  const output = "ok: one\nok: two\nall of it";
  await emit(server, run, 6, [
    { type: "tool_done", data: { id: "1", tool: "bash", output, exit_code: 0, duration_ms: 2_500 } },
  ]);
  await stream.getByText("2.5 s").click();
  await stream.getByText("all of it").waitFor();
  expect(await stream.locator(".tool-live").count()).toBe(0);
  expect(await stream.getByText("never began").count()).toBe(0);
});

test("a tab in the background gives its connection back, and misses and doubles nothing when it returns", async () => {
  const run = await startLiveRun(server, ada, workspace);
  const said = (id: string) => [
    { type: "tool_start" as const, data: { id, tool: `tool-${id}`, args: {} } },
    { type: "tool_done" as const, data: { id, tool: `tool-${id}`, output: "", duration_ms: 1 } },
  ];
  await emit(server, run, 1, said("1"));
  const { page } = tab;
  await page.goto(`/items/${run.item.key}`);
  const stream = page.locator(`#transcript-${run.runId}`);
  await stream.getByText("tool-1").waitFor();
  await page.evaluate(setHidden, true);
  await emit(server, run, 3, said("2"));
  await page.evaluate(setHidden, false);
  await stream.getByText("tool-2").waitFor();
  await emit(server, run, 5, said("3"));
  await stream.getByText("tool-3").waitFor();
  expect(await stream.locator(".tool-name").allTextContents()).toEqual(["tool-1", "tool-2", "tool-3"]);
});

test("a page that is reloaded shows the whole transcript again, and an ended run as ended", async () => {
  const run = await startLiveRun(server, ada, workspace);
  await emit(server, run, 1, [{ type: "content", data: { text: "Said before the page was opened." } }]);
  const { page } = tab;
  await page.goto(`/items/${run.item.key}`);
  await page.getByText("Said before the page was opened.").waitFor();
  await page.getByRole("button", { name: "Cancel run" }).click();
  await page.getByRole("button", { name: "Stop at once" }).click();
  await page.locator(`#run-${run.runId} .badge`, { hasText: /Killed|Canceled/ }).waitFor();
  await page.getByRole("button", { name: "Run again" }).waitFor();
  await page.reload();
  await page.getByText("Said before the page was opened.").waitFor();
  expect(await page.getByRole("button", { name: "Cancel run" }).count()).toBe(0);
});

test("assigning an agent queues a run, and the page says why it has not started", async () => {
  const item = await createItem(ada, "DEMO", { title: "Assign me" });
  const { page } = tab;
  await page.goto(`/items/${item.key}`);
  await page.getByLabel("Assign to").selectOption({ label: workspace.agent.name });
  await page.getByRole("button", { name: "Assign" }).click();
  await page.getByText("Queued").waitFor();
  await page.locator(".callout", { hasText: /next in line|queued earlier|no runner|pool/i }).waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Cancel run" }).click();
  await page.locator(".badge", { hasText: "Canceled" }).waitFor();
});

test("a comment is added without leaving the page, and a refused one stays in the field", async () => {
  const item = await createItem(ada, "DEMO", { title: "Talk about me" });
  const { page } = tab;
  await page.goto(`/items/${item.key}`);
  const field = page.getByLabel("Add a comment");
  await field.fill("First line\n\n<b>second</b> line");
  await page.getByRole("button", { name: "Comment", exact: true }).click();
  await page.locator(".comment", { hasText: "<b>second</b> line" }).waitFor();
  expect(await field.inputValue()).toBe("");
  await field.fill("   ");
  await page.getByRole("button", { name: "Comment", exact: true }).click();
  await page.getByText("a comment needs some text").waitFor();
  expect(await field.inputValue()).toBe("   ");
  expect(await field.getAttribute("aria-invalid")).toBe("true");
  await field.fill("While the server is away");
  await tab.context.setOffline(true);
  await page.getByRole("button", { name: "Comment", exact: true }).click();
  await page.getByText("The server cannot be reached").waitFor();
  expect(await field.inputValue()).toBe("While the server is away");
  await tab.context.setOffline(false);
  tab.errors.splice(0); // the browser's own note of the failed request
});

test("a pull request is read, marked ready and merged", async () => {
  const run = await startLiveRun(server, ada, workspace);
  const { url } = await openTestPullRequest(server, workspace, run, {
    title: `${run.item.key}: Fix it`,
    body: "## What was done\n\nOne line was changed.",
    message: "Say it twice",
    files: { "a.txt": "one\none\n", "new.txt": "brand new\n" },
  });
  const { page } = tab;
  await page.goto(`/items/${run.item.key}`);
  await page.getByRole("link", { name: "Fix it" }).click();
  await page.waitForURL(url);
  await page.getByText("2 changed files").waitFor();
  const lines = await page.locator("#file-1 tbody tr").allInnerTexts();
  expect(lines.map((line) => line.replace(/\s+/g, " ").trim())).toEqual([
    "@@ -1,2 +1,2 @@",
    "1 1 one",
    "2 − two",
    "2 + one",
  ]);
  await page.getByRole("button", { name: "Mark as ready" }).click();
  await page.getByRole("button", { name: "Merge into main" }).click();
  await page.locator(".badge.merged").waitFor();
  const pull = await ada.get<{ state: string }>(`/api/v1${url}`);
  expect(pull.body.state).toBe("merged");
  expect(await page.getByRole("button", { name: /Merge|Close/ }).count()).toBe(0);
});

test("no page asks anything of another address or breaks its own rules", () => {
  expect({ foreign: tab.foreign, errors: tab.errors }).toEqual({ foreign: [], errors: [] });
});

/** Runs in the page: what a browser does when its tab goes to the background, which headless tabs never do. */
function setHidden(hidden: boolean): void {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}
