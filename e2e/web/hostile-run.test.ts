import { expect, setDefaultTimeout, test } from "bun:test";
import type { Page } from "playwright-core";
import { create, type LiveRun, startLiveRun } from "../../apps/server/src/testing/test-workspace.ts";
import { openTestPullRequest } from "./run-scene.ts";
import { emit, openPage, signIn, useScene } from "./web.fixture.ts";

setDefaultTimeout(60_000);

const LINK = "\u001b]8;;https://evil.test\u0007link\u001b]8;;\u0007";
/** Each would set `pwned`, load something from elsewhere or leave the page, if any place took it for more than text. */
const HOSTILE = [
  `<img src=x onerror="window.pwned=1">`,
  `</script><script>window.pwned=1</script>`,
  `"><svg/onload=window.pwned=1>`,
  `</textarea></title></pre><iframe srcdoc="<script>parent.pwned=1</script>"></iframe>`,
  `<link rel=stylesheet href=https://evil.test/x.css><style>@import 'https://evil.test/y.css';</style>`,
  `<meta http-equiv=refresh content="0;url=https://evil.test/">`,
  `<a href="javascript:window.pwned=1">x</a><object data="data:text/html,<script>parent.pwned=1</script>"></object>`,
  `![x](https://evil.test/?q=1) [y](javascript:window.pwned=1) {{constructor.constructor('window.pwned=1')()}}`,
  "```mermaid\ngraph LR; a-->b; click a 'javascript:window.pwned=1'\n```",
].join(" ");
/** Anything that text may become in a page and that loads, runs or leads somewhere. */
const LIVE_ELEMENTS = ":is(img, script, style, link, meta, iframe, object, embed, form, base, video, audio)";

const scene = useScene({ workspace: "EVIL", signedIn: false });

/** Opens pages, lets `look` see them, and holds them to: no script of the text ran, nothing left the origin. */
async function watch(look: (page: Page) => Promise<void>): Promise<void> {
  const { page, foreign, errors, context } = await openPage(scene.browser, scene.server);
  const dialogs: string[] = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  await page.exposeFunction("noteViolation", (what: string) => errors.push(what));
  await page.addInitScript(
    "addEventListener('securitypolicyviolation', (e) => noteViolation(e.violatedDirective + ' ' + e.blockedURI))",
  );
  await signIn(page);
  await look(page);
  expect(await page.evaluate("window.pwned")).toBeUndefined();
  expect({ foreign, errors, dialogs, frames: page.frames().length, popups: context.pages().length }).toEqual({
    foreign: [],
    errors: [],
    dialogs: [],
    frames: 1,
    popups: 1,
  });
  await context.close();
}

/** Everything of a transcript is text: none of its elements loads, runs or leads anywhere. */
async function expectOnlyText(page: Page): Promise<void> {
  expect(
    await page.locator(`.transcript-rows ${LIVE_ELEMENTS}, .transcript-rows :is(a, input)`).count(),
  ).toBe(0);
  const loud =
    "[...document.querySelectorAll('.transcript-rows *')].flatMap((e) => [...e.attributes]).map(({ name }) => name).filter((name) => /^on|^(href|src|srcdoc|action)$/.test(name))";
  expect(await page.evaluate(loud)).toEqual([]);
}

test("WB-04 WB-05 a hostile transcript stays text, stored and live, folded and open", async () => {
  const run = await startLiveRun(scene.server, scene.ada, scene.workspace);
  await emit(scene.server, run, 1, [
    {
      type: "tool_start",
      data: { id: "<b>", tool: HOSTILE, args: { command: HOSTILE, [HOSTILE]: HOSTILE } },
    },
    { type: "tool_done", data: { id: "<b>", tool: HOSTILE, output: `${HOSTILE} ${LINK}`, duration_ms: 1 } },
    { type: "warning", data: { message: HOSTILE } },
    { type: "review_flagged", data: { message: HOSTILE, path: HOSTILE } },
    { type: "lifecycle", data: { phase: HOSTILE } },
    { type: "lifecycle", data: { phase: "__proto__" } },
    { type: "lifecycle", data: { note: "finish", outcome: HOSTILE, summary: HOSTILE } },
    { type: "lifecycle", data: { note: "starting", version: HOSTILE, model: HOSTILE } },
    { type: "stdout", data: { text: `${HOSTILE} ${LINK}` } },
    { type: "stderr", data: { text: HOSTILE } },
    { type: "message", data: { role: HOSTILE, text: HOSTILE } },
    { type: "usage", data: { input_tokens: HOSTILE, output_tokens: { a: HOSTILE } } },
    {
      type: "tool_start",
      data: { id: "<e>", tool: "edit_file", args: { edits: [{ old_text: HOSTILE, new_text: HOSTILE }] } },
    },
    {
      type: "tool_done",
      data: { id: "<e>", tool: "edit_file", output: `@@ -1 +1 @@\n-${HOSTILE}\n+${HOSTILE}`, duration_ms: 1 },
    },
    { type: "tool_start", data: { id: "<i>", tool: HOSTILE, args: HOSTILE } },
    { type: "tool_output", data: { id: "<i>", text: HOSTILE } },
  ]);
  await watch(async (page) => {
    await page.goto(`/items/${run.item.key}`);
    await page.getByText("Live", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await page.locator(".tool-head").first().click();
    await page.locator(".tool-output").first().waitFor();
    await expectOnlyText(page);
    await page.getByRole("button", { name: "End", exact: true }).click();
    await page.locator(".tool-live").waitFor();
    await expectOnlyText(page);
    await page.getByLabel("Search the transcript").fill("<img src=x");
    await page.getByText(/^Found in/).waitFor();
    await expectOnlyText(page);
    expect(await page.locator(`.transcript-search ${LIVE_ELEMENTS}`).count()).toBe(0);
    await emit(scene.server, run, 17, [{ type: "content", data: { text: `${HOSTILE} the live end` } }]);
    await page.locator(".entry-said", { hasText: "the live end" }).waitFor();
    await expectOnlyText(page);
  });
});

test("WB-04 hostile text that is cut at every character into events of its own stays text, and whole", async () => {
  const said = await startLiveRun(scene.server, scene.ada, scene.workspace);
  const printed = await startLiveRun(scene.server, scene.ada, scene.workspace);
  const whole = `${HOSTILE} ${LINK} the end`;
  const spoken = [...whole].map((text) => ({ type: "content" as const, data: { text } }));
  const output = [...`${HOSTILE.slice(0, 300)} ${LINK} the end`].map((text) => ({
    type: "tool_output" as const,
    data: { id: "1", text },
  }));
  const tool = { type: "tool_start" as const, data: { id: "1", tool: "bash", args: {} } };
  await watch(async (page) => {
    await page.goto(`/items/${said.item.key}/runs/${said.runId}`);
    await page.getByText("Live", { exact: true }).waitFor();
    await emitAll(said, spoken);
    const text = page.locator(".entry-said", { hasText: "the end" });
    await text.waitFor();
    await expectOnlyText(page);
    const shown = (await page.locator(".entry-said").allTextContents()).join("");
    expect(shown).toBe(whole.replaceAll("\u001b", marked).replaceAll("\u0007", marked));
    await page.reload();
    await text.waitFor();
    await expectOnlyText(page);
    await page.goto(`/items/${printed.item.key}/runs/${printed.runId}`);
    await page.getByText("Live", { exact: true }).waitFor();
    await emitAll(printed, [tool, ...output]);
    const live = page.locator(".tool-live", { hasText: "the end" });
    await live.waitFor();
    await expectOnlyText(page);
    // The link's text is there, where it led is not.
    expect((await live.textContent())?.trim()).toBe(`${HOSTILE.slice(0, 300)} link the end`);
  });
});

async function emitAll(run: LiveRun, events: Parameters<typeof emit>[3]): Promise<void> {
  for (let from = 0; from < events.length; from += 100)
    await emit(scene.server, run, from + 1, events.slice(from, from + 100));
}

test("WB-04 WB-05 hostile names, branches, summaries, prompts, plans and files of a run stay text", async () => {
  const run = await startLiveRun(scene.server, scene.ada, scene.workspace);
  const name = HOSTILE.slice(0, 190);
  const title = HOSTILE.replace(/\n/g, " ").slice(0, 480);
  const { database } = scene.server;
  await database.kysely.updateTable("work_items").set({ title }).where("id", "=", run.item.id).execute();
  await database.kysely
    .updateTable("user")
    .set({ name })
    .where("id", "=", scene.workspace.agent.id)
    .execute();
  await database.kysely.updateTable("runners").set({ name }).execute();
  await create(scene.ada, `/api/v1/items/${run.item.key}/comments`, { body: HOSTILE });
  await database.kysely
    .updateTable("runs")
    .set({ summary: HOSTILE, detail: HOSTILE, reason: "needs_info", status: "waiting", phase: null })
    .where("id", "=", run.runId)
    .execute();
  const api = `/api/v1/agent-runs/${run.runId}`;
  await watch(async (page) => {
    // What the server itself would never store goes through the page too: its answers are exchanged on their way.
    await page.route(`**${api}`, async (route) => {
      const answer = await route.fetch();
      const detail = await answer.json();
      await route.fulfill({
        response: answer,
        json: {
          ...detail,
          branch: HOSTILE,
          base_branch: HOSTILE,
          model: HOSTILE,
          plan: HOSTILE,
          head_oid: HOSTILE,
          files_changed: [{ path: HOSTILE, status: "added", added: 1, deleted: 2 }],
          skills: [{ skill_id: null, name: HOSTILE, version: 1, sha256: HOSTILE, read_at: null }],
          attempts: [
            {
              attempt: 1,
              runner: HOSTILE,
              claimed_at: detail.created_at,
              ended_at: null,
              outcome: null,
              phases: [{ phase: "agent", started_at: detail.created_at, ended_at: null }],
            },
          ],
          steps: [{ step: HOSTILE, status: "failed", tries: 1, detail: HOSTILE }],
          messages: [
            {
              id: 1,
              author: HOSTILE,
              kind: "outside",
              body: HOSTILE,
              status: "queued",
              created_at: detail.created_at,
            },
          ],
          pull_request: {
            id: 1,
            number: 1,
            url: "javascript:window.pwned=1",
            state: "open",
            draft: true,
            sync_problem: HOSTILE,
          },
        },
      });
    });
    const notes = [
      { kind: "hidden", where: HOSTILE, what: "bidi", count: 1, removed: true, excerpt: HOSTILE },
      { kind: "cut", where: HOSTILE, bytes: 2, kept: 1 },
    ];
    await page.route(`**${api}/prompt`, (route) => route.fulfill({ json: { prompt: HOSTILE, notes } }));
    await page.goto(`/items/${run.item.key}/runs/${run.runId}`);
    await page.locator(".run-message").waitFor();
    for (const part of ["Changes", "Attempts", "Prompt", "Skills"]) {
      await page.getByRole("tab", { name: part }).click();
      const panel = page.getByRole("tabpanel", { name: part });
      await panel.getByText("<img src=x").first().waitFor();
      expect(await page.locator(`main ${LIVE_ELEMENTS}:not(form)`).count()).toBe(0);
    }
    expect(await page.locator(`main a:not([href^="/"])`).count()).toBe(0);
    await page.goto("/w/EVIL/runs");
    await page.locator(".runs-list").getByText("<img src=x").first().waitFor();
    expect(await page.locator(`main ${LIVE_ELEMENTS}`).count()).toBe(0);
    await page.goto(`/items/${run.item.key}`);
    await page.getByRole("region", { name: "The agent asks" }).waitFor();
    expect(await page.locator(`main ${LIVE_ELEMENTS}:not(form)`).count()).toBe(0);
  });
});

test("WB-04 WB-05 a hostile pull request stays text, in its commits, diff and file names too", async () => {
  const run = await startLiveRun(scene.server, scene.ada, scene.workspace);
  const { url } = await openTestPullRequest(scene.server, scene.workspace, run, {
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
    expect(await page.locator(`main ${LIVE_ELEMENTS}`).count()).toBe(0);
    expect(await page.locator(`main a:not([href^="/"])`).count()).toBe(0);
    // A picture of the text is a link that asks first, and leads nowhere until somebody says so.
    await page.getByRole("button", { name: /^x/ }).first().click();
    const asked = page.getByRole("dialog", { name: "This link leads to another site" });
    await asked.getByText("https://evil.test/?q=1").waitFor();
    await asked.getByRole("button", { name: "Stay here" }).click();
  });
});

test("WB-04 characters that turn text around or hide it are shown by name", async () => {
  const run = await startLiveRun(scene.server, scene.ada, scene.workspace);
  const trojan = `if (user != "admin\u202e \u2066// check\u2069 \u2066") {\u200b`;
  const { url } = await openTestPullRequest(scene.server, scene.workspace, run, {
    title: "Check the user",
    body: "",
    message: "Check the user",
    files: { "check.js": `${trojan}\n` },
  });
  await emit(scene.server, run, 1, [{ type: "content", data: { text: trojan } }]);
  const shown = trojan.replace(/[\u200b\u202e\u2066\u2069]/g, marked);
  await watch(async (page) => {
    await page.goto(url);
    await page.locator("tr.diff-added .diff-code").waitFor();
    expect(await page.locator("tr.diff-added .diff-code").textContent()).toBe(shown);
    await page.goto(`/items/${run.item.key}`);
    await page.locator(".entry-said", { hasText: shown }).waitFor();
  });
});

function marked(char: string): string {
  return `[U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`;
}
