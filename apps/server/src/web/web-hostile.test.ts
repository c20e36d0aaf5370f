import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { TestClient } from "../testing/test-client.ts";
import type { TestServer } from "../testing/test-server.ts";
import { create, createTestWorkspace, startLiveRun, type TestWorkspace } from "../testing/test-workspace.ts";
import { emit, launchBrowser, openPage, openTestPullRequest, signIn, startWebServer } from "./web.fixture.ts";

setDefaultTimeout(60_000);

/** Each would set `pwned`, load something from elsewhere or leave the page, if any place took it for more than text. */
const HOSTILE = [
  `<img src=x onerror="window.pwned=1">`,
  `</script><script>window.pwned=1</script>`,
  `"><svg/onload=window.pwned=1>`,
  `</textarea></title></pre><iframe srcdoc="<script>parent.pwned=1</script>"></iframe>`,
  `<link rel=stylesheet href=https://evil.test/x.css><style>@import 'https://evil.test/y.css';</style>`,
  `<meta http-equiv=refresh content="0;url=https://evil.test/">`,
  `![x](https://evil.test/?q=1) [y](javascript:window.pwned=1) {{constructor.constructor('window.pwned=1')()}}`,
  `\u001b]8;;https://evil.test\u0007link\u001b]8;;\u0007`,
].join(" ");

let server: TestServer;
let chromium: Awaited<ReturnType<typeof launchBrowser>>;
let ada: TestClient;
let workspace: TestWorkspace;
beforeAll(async () => {
  server = await startWebServer();
  chromium = await launchBrowser();
  ada = await server.setUp();
  workspace = await createTestWorkspace(ada, "EVIL");
});
afterAll(async () => {
  await chromium?.close();
  await server?.close();
});

/** Opens pages, lets `look` see them, and holds them to: no script of the text ran, nothing left the origin. */
async function watch(
  look: (page: Awaited<ReturnType<typeof openPage>>["page"]) => Promise<void>,
): Promise<void> {
  const { page, foreign, errors, context } = await openPage(chromium.browser, server);
  const dialogs: string[] = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  await signIn(page);
  await look(page);
  expect(await page.evaluate("window.pwned")).toBeUndefined();
  expect({ foreign, errors, dialogs, frames: page.frames().length }).toEqual({
    foreign: [],
    errors: [],
    dialogs: [],
    frames: 1,
  });
  await context.close();
}

test("WB-04 WB-05 hostile titles, descriptions and comments stay text", async () => {
  const title = HOSTILE.replaceAll("\u001b", "").replaceAll("\u0007", "").slice(0, 480);
  const body = { title, description: HOSTILE };
  const item = await create<{ key: string }>(ada, "/api/v1/workspaces/EVIL/items", body);
  await create(ada, `/api/v1/items/${item.key}/comments`, { body: HOSTILE });
  await watch(async (page) => {
    await page.getByText("window.pwned").first().waitFor();
    await page.goto(`/items/${item.key}`);
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe(title);
    expect(await page.locator(".comment .prose").textContent()).toBe(
      HOSTILE.replaceAll("\u001b", marked).replaceAll("\u0007", marked),
    );
  });
});

test("WB-04 a hostile transcript stays text, stored and live, however it is split", async () => {
  const run = await startLiveRun(server, ada, workspace);
  await emit(server, run, 1, [
    {
      type: "tool_start",
      data: { id: "<b>", tool: HOSTILE, args: { command: HOSTILE, [HOSTILE]: HOSTILE } },
    },
    { type: "tool_done", data: { id: "<b>", tool: HOSTILE, output: HOSTILE, duration_ms: 1 } },
    { type: "warning", data: { message: HOSTILE } },
    { type: "lifecycle", data: { phase: HOSTILE } },
    { type: "lifecycle", data: { note: "finish", outcome: HOSTILE, summary: HOSTILE } },
    { type: "stdout", data: { text: HOSTILE } },
    { type: "message", data: { role: HOSTILE, text: HOSTILE } },
    { type: "usage", data: { input_tokens: HOSTILE, output_tokens: { a: HOSTILE } } },
    { type: "tool_start", data: { id: "<i>", tool: HOSTILE, args: HOSTILE } },
    { type: "tool_output", data: { id: "<i>", text: HOSTILE } },
  ]);
  await watch(async (page) => {
    await page.goto(`/items/${run.item.key}`);
    await page.locator(".entry.tool summary").first().click();
    await page.locator(".entry.warning").waitFor();
    const pieces = [...HOSTILE].map((text) => ({ type: "content" as const, data: { text } }));
    await emit(server, run, 11, [...pieces, { type: "content", data: { text: " the end" } }]);
    const said = page.locator(".entry.said", { hasText: "the end" });
    expect(await said.textContent()).toBe(
      `${HOSTILE.replaceAll("\u001b", marked).replaceAll("\u0007", marked)} the end`,
    );
    expect(await page.locator(".tool-live").textContent()).toContain("window.pwned=1");
    expect(await page.locator(".entries :is(img, svg, script, style, link, meta, iframe, a)").count()).toBe(
      0,
    );
  });
});

test("WB-04 a hostile pull request stays text, in its diff and file names too", async () => {
  const run = await startLiveRun(server, ada, workspace);
  const { url } = await openTestPullRequest(server, workspace, run, {
    title: HOSTILE.slice(0, 180),
    body: HOSTILE,
    message: `</li><script>window.pwned=1</script>\n\n${HOSTILE}`,
    files: {
      "a.txt": `one\n${HOSTILE}\n`,
      "<img src=x onerror=window.pwned=1>.html": "<script>window.pwned=1</script>\n",
    },
  });
  await watch(async (page) => {
    await page.goto(url);
    await page.getByText("2 changed files").waitFor();
    expect(await page.getByText("<img src=x onerror=window.pwned=1>.html").count()).toBeGreaterThan(0);
    expect(await page.locator("main :is(img, script, style, link, meta, iframe)").count()).toBe(0);
  });
});

test("WB-04 characters that turn text around or hide it are shown by name", async () => {
  const run = await startLiveRun(server, ada, workspace);
  const trojan = `if (user != "admin\u202e \u2066// check\u2069 \u2066") {\u200b`;
  const { url } = await openTestPullRequest(server, workspace, run, {
    title: "Check the user",
    body: "",
    message: "Check the user",
    files: { "check.js": `${trojan}\n` },
  });
  await emit(server, run, 1, [{ type: "content", data: { text: trojan } }]);
  const shown = trojan.replace(/[\u200b\u202e\u2066\u2069]/g, marked);
  await watch(async (page) => {
    await page.goto(url);
    expect(await page.locator("tr.added .code").textContent()).toBe(shown);
    await page.goto(`/items/${run.item.key}`);
    await page.locator(".entry.said", { hasText: shown }).waitFor();
  });
});

function marked(char: string): string {
  return `[U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`;
}
