import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type GithubServer, startGithubServer } from "@windshift/testing/forges/github-server.ts";
import { createForgeWorkspace, type ForgeWorkspace } from "../../apps/server/src/testing/forge-workspace.ts";
import type { TestServer } from "../../apps/server/src/testing/test-server.ts";
import { launchBrowser, openPage, signIn, startWebServer, type WatchedPage } from "./web.fixture.ts";

setDefaultTimeout(60_000);

let forge: GithubServer;
let server: TestServer;
let chromium: Awaited<ReturnType<typeof launchBrowser>>;
let workspace: ForgeWorkspace;
let tab: WatchedPage;
beforeAll(async () => {
  [forge, server, chromium] = await Promise.all([startGithubServer(), startWebServer(), launchBrowser()]);
  workspace = await createForgeWorkspace(server, await server.setUp(), forge, "DEMO");
  tab = await openPage(chromium.browser, server);
  await signIn(tab.page);
});
afterAll(async () => {
  await chromium?.close();
  await workspace?.stop();
  await server?.close();
  await forge?.stop();
});

test("a pull request that the forge refused is made by one click, and what hinders looking at it is said beside it", async () => {
  const key = await workspace.assign();
  const job = await workspace.claim(key);
  if (job === undefined) throw new Error("the run could not be started");
  const refusal = { message: "Validation Failed: the base is locked" };
  forge.faults.add({
    method: "POST",
    path: /\/pulls$/,
    what: { kind: "answer", status: 422, body: refusal },
  });
  await workspace.work(job, { "fix.txt": "fixed\n" });
  expect((await workspace.ended(key)).status).toBe("failed");

  const { page } = tab;
  await page.goto(`/items/${key}`);
  await page.locator(".run-callout-bad", { hasText: "the base is locked" }).waitFor();
  await page.getByRole("button", { name: "Create again" }).click();
  const link = page.locator(".run").getByRole("link", { name: /^Pull request #\d+/ });
  await link.waitFor();
  await page.locator(".run .run-badge", { hasText: "Succeeded" }).waitFor();
  expect(await link.getAttribute("href")).toStartWith(forge.url);
  expect(await page.getByRole("button", { name: "Create again" }).count()).toBe(0);
  expect((await workspace.ended(key)).pull_request).toMatchObject({ state: "open", sync_problem: null });

  const said = "acme/shop has no such thing.";
  await server.database.kysely.updateTable("pull_requests").set({ sync_problem: said }).execute();
  await page.reload();
  const problem = `Its state could not be read from the forge and may have changed: ${said}`;
  await page.locator(".run .pull-problem", { hasText: problem }).waitFor();
  expect({ foreign: tab.foreign, errors: tab.errors }).toEqual({ foreign: [], errors: [] });
});
