import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Label } from "@windshift/contract/api/label.ts";
import type { TestServer } from "../../apps/server/src/testing/test-server.ts";
import {
  create,
  createItem,
  createTestWorkspace,
  type LiveRun,
  startLiveRun,
} from "../../apps/server/src/testing/test-workspace.ts";
import { emit, launchBrowser, openPage, signIn, startWebServer } from "./web.fixture.ts";

/** The pictures that pages below docs/ show, made from the product as it is. They are not kept in the repository. */
const PICTURES = join(import.meta.dir, "../../docs/pictures");
/** The first bytes of every PNG. */
const PNG = "89504e470d0a1a0a";

setDefaultTimeout(120_000);

let server: TestServer;
let chromium: Awaited<ReturnType<typeof launchBrowser>>;
let run: LiveRun;
beforeAll(async () => {
  server = await startWebServer();
  chromium = await launchBrowser();
  run = await buildScene();
  mkdirSync(PICTURES, { recursive: true });
});
afterAll(async () => {
  await chromium?.close();
  await server?.close();
});

/** A workspace as a team has it after a week. */
async function buildScene(): Promise<LiveRun> {
  const ada = await server.setUp();
  const workspace = await createTestWorkspace(ada, "DEMO");
  await ada.patch("/api/v1/workspaces/DEMO", { name: "Invoicing" });
  const at = "/api/v1/workspaces/DEMO";
  const bug = await create<Label>(ada, `${at}/labels`, { name: "bug", color: "#d73a4a" });
  const feature = await create<Label>(ada, `${at}/labels`, { name: "feature", color: "#1f6feb" });
  const live = await startLiveRun(server, ada, workspace);
  await ada.patch(`/api/v1/items/${live.item.key}`, {
    title: "Dates before 1970 cannot be parsed",
    priority: "high",
    label_ids: [bug.id],
    description: "`parse('1969-12-31')` throws.\n\n- [x] reproduce\n- [ ] fix, with a test\n",
  });
  for (const [title, status, priority, label] of ITEMS)
    await createItem(ada, "DEMO", {
      title,
      status,
      priority,
      label_ids: [label === "bug" ? bug.id : feature.id],
    });
  await create(ada, `${at}/pages`, { title: "How we release", body: "1. Tag\n2. Build\n3. Tell people" });
  const skill = { name: "Commits", description: "How commits are written here", body: "Say why, not what." };
  await create(ada, `${at}/skills`, skill);
  await emit(server, live, 1, [
    { type: "lifecycle", data: { phase: "agent" } },
    { type: "content", data: { text: "I look at the parser and its tests first.\n" } },
    { type: "tool_start", data: { id: "1", tool: "bash", args: { command: "npm test" } } },
    {
      type: "tool_done",
      data: {
        id: "1",
        tool: "bash",
        output:
          "\u001b[32m✓\u001b[0m parse 2024-02-29\n\u001b[31m✗\u001b[0m parse 1969-12-31\n1 failed, 12 passed\n",
        exit_code: 1,
        duration_ms: 812,
      },
    },
    { type: "tool_start", data: { id: "2", tool: "edit_file", args: { path: "src/parse.ts" } } },
    {
      type: "tool_done",
      data: {
        id: "2",
        tool: "edit_file",
        output:
          "--- a/src/parse.ts\n+++ b/src/parse.ts\n@@ -4 +4 @@\n-if (year < 1970) throw new RangeError();\n+if (year < 1) throw new RangeError();\n",
        duration_ms: 4,
      },
    },
    { type: "content", data: { text: "The test passes now. I check leap years before I commit.\n" } },
  ]);
  return live;
}

const ITEMS = [
  ["Invoices can be exported as CSV", "in_progress", "medium", "feature"],
  ["Sign-in remembers the last workspace", "in_review", "urgent", "feature"],
  ["Search is slow on large projects", "todo", "high", "bug"],
  ["The webhook is documented", "done", "low", "feature"],
] as const;

test("pages of the documentation have their pictures", async () => {
  const { item, runId } = run;
  const shots = [
    ["work-items", "/w/DEMO", "Search is slow on large projects"],
    ["run", `/items/${item.key}/runs/${runId}`, "I check leap years"],
    ["guide", "/w/DEMO/setup", "Connect a repository"],
  ] as const;
  const viewport = { width: 1_280, height: 800 };
  const { page, errors, foreign } = await openPage(chromium.browser, server, { viewport });
  await signIn(page);
  for (const [name, path, words] of shots) {
    await page.goto(path);
    await page.getByText(words).first().waitFor();
    const file = join(PICTURES, `${name}.png`);
    await page.screenshot({ path: file });
    expect(readFileSync(file).subarray(0, 8).toString("hex")).toBe(PNG);
  }
  expect([errors, foreign]).toEqual([[], []]);
});

test("every picture that a page of the documentation shows is one of them", async () => {
  const pages = [...new Bun.Glob("docs/**/*.md").scanSync({ cwd: join(PICTURES, "../..") })];
  const shown: string[] = [];
  for (const page of pages) {
    const text = await Bun.file(join(PICTURES, "../..", page)).text();
    shown.push(...[...text.matchAll(/!\[[^\]]+\]\(pictures\/([^)]+)\)/g)].map((match) => match[1] ?? ""));
  }
  expect(shown.length).toBeGreaterThan(2);
  for (const name of shown)
    expect([name, await Bun.file(join(PICTURES, name)).exists()]).toEqual([name, true]);
});
