import { expect, setDefaultTimeout, test } from "bun:test";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { startLiveRun } from "../../apps/server/src/testing/test-workspace.ts";
import { openTestPullRequest } from "./run-scene.ts";
import { findViolations, LOOKS, openPage, sidewaysScroll, signIn, useScene } from "./web.fixture.ts";

setDefaultTimeout(60_000);

const scene = useScene({ workspace: "DEMO" });

async function propose(files: Record<string, string>): Promise<{ url: string; item: string }> {
  const run = await startLiveRun(scene.server, scene.ada, scene.workspace);
  const { url } = await openTestPullRequest(scene.server, scene.workspace, run, {
    title: `${run.item.key}: Fix it`,
    body: "## What was done\n\nOne **line** was changed.",
    message: "Say it twice\n\nOnce was not enough.",
    files,
  });
  return { url, item: run.item.key };
}

test("a pull request is read, marked ready and merged", async () => {
  const { url, item } = await propose({ "a.txt": "one\none\n", "new.txt": "brand new\n" });
  const { page } = scene.tab;
  await page.goto(`/items/${item}`);
  await page.locator(".run").getByRole("link", { name: "Pull request #1" }).click();
  await page.waitForURL(`**${url}`);
  await page.getByText("2 changed files").waitFor();
  await page.getByText("Once was not enough.").waitFor();
  const lines = await page.locator("#file-1 tbody tr").allInnerTexts();
  expect(lines.map((line) => line.replace(/\s+/g, " ").trim())).toEqual([
    "@@ -1,2 +1,2 @@",
    "1 1 one",
    "2 − two",
    "2 + one",
  ]);
  await page.getByRole("button", { name: "Mark as ready" }).click();
  await page.getByRole("button", { name: "Merge into main" }).click();
  await page.locator(".pull-merged").waitFor();
  const pull = await scene.ada.get<{ state: string }>(`/api/v1${url}`);
  expect(pull.body.state).toBe("merged");
  expect(await page.getByRole("button", { name: /Merge|Close/ }).count()).toBe(0);
  await page.getByText(/Ada\s+merged this into main as/).waitFor();
});

test("a pull request that meets a conflict names the files, cannot be merged, and is closed and reopened", async () => {
  const { url } = await propose({ "README.md": "# Of the agent\n" });
  await changeMain("README.md", "# Of somebody else\n");
  const { page } = scene.tab;
  await page.goto(url);
  await page.getByRole("button", { name: "Mark as ready" }).click();
  const merge = page.getByRole("button", { name: "Merge into main" });
  await merge.waitFor();
  expect(await merge.isDisabled()).toBe(true);
  await page.getByRole("region", { name: "Decision" }).getByText("README.md").waitFor();
  await page.getByRole("button", { name: "Close without merging" }).click();
  await page.locator(".pull-closed").waitFor();
  await page.getByText("closed this without merging").waitFor();
  await page.getByRole("button", { name: "Reopen" }).click();
  await page.locator(".pull-open").waitFor();
});

test("a viewer reads a pull request and decides nothing, a stranger finds none, and it is free of barriers", async () => {
  const { url } = await propose({ "b.txt": "b\n" });
  const vera = await scene.server.addPerson(scene.ada, "Vera");
  await scene.server.addPerson(scene.ada, "Stan");
  await scene.ada.post("/api/v1/workspaces/DEMO/members", { user_id: vera.id, role: "viewer" });
  const viewer = await openPage(scene.browser, scene.server);
  await signIn(viewer.page, "vera@example.test");
  await viewer.page.goto(url);
  await viewer.page.getByText("1 changed file").waitFor();
  expect(await viewer.page.getByRole("button", { name: /Mark|Close|Merge/ }).count()).toBe(0);
  await viewer.context.close();
  const stranger = await openPage(scene.browser, scene.server);
  await signIn(stranger.page, "stan@example.test");
  for (const path of [url, "/pull-requests/999", "/pull-requests/0", "/pull-requests/x"]) {
    await stranger.page.goto(path);
    await stranger.page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  }
  await stranger.context.close();
  const { page } = scene.tab;
  await page.goto(url);
  await page.getByText("1 changed file").waitFor();
  const found: string[] = [];
  for (const { width, colorScheme } of LOOKS) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    for (const violation of await findViolations(page)) found.push(`${width} ${colorScheme}: ${violation}`);
    if ((await sidewaysScroll(page)) > 0) found.push(`${width} ${colorScheme}: scrolls sideways`);
  }
  expect(found).toEqual([]);
});

test("no page asks anything of another address or breaks its own rules", () => {
  expect({ foreign: scene.tab.foreign, errors: scene.tab.errors }).toEqual({ foreign: [], errors: [] });
});

/** Somebody pushes to the target branch meanwhile. */
async function changeMain(path: string, text: string): Promise<void> {
  const { workDir, repository } = scene.workspace;
  await gitOut(["fetch", "--quiet", repository.path ?? "", "main"], workDir);
  await gitOut(["checkout", "--quiet", "--detach", "FETCH_HEAD"], workDir);
  await Bun.write(`${workDir}/${path}`, text);
  await gitOut(["commit", "--quiet", "--all", "--message", "Somebody else"], workDir);
  await gitOut(["push", "--quiet", repository.path ?? "", "HEAD:refs/heads/main"], workDir);
  await gitOut(["checkout", "--quiet", "main"], workDir);
}
