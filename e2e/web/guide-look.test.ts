import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { TestClient } from "../../apps/server/src/testing/test-client.ts";
import type { TestServer } from "../../apps/server/src/testing/test-server.ts";
import { createTestWorkspace, type TestWorkspace } from "../../apps/server/src/testing/test-workspace.ts";
import { lookAt } from "./page-looks.ts";
import { launchBrowser, openPage, signIn, startWebServer, type WatchedPage } from "./web.fixture.ts";

// Each page is looked at four times.
setDefaultTimeout(120_000);

let server: TestServer;
let chromium: Awaited<ReturnType<typeof launchBrowser>>;
let ada: TestClient;
let workspace: TestWorkspace;
let tab: WatchedPage;
beforeAll(async () => {
  [server, chromium] = await Promise.all([startWebServer(), launchBrowser()]);
  ada = await server.setUp();
  workspace = await createTestWorkspace(ada, "DEMO");
  const at = "/api/v1/workspaces/DEMO";
  await ada.post("/api/v1/workspaces", { key: "NEW", name: `Long ${"name".repeat(20)}` });
  await ada.post(`${at}/labels`, { name: "l".repeat(50), color: "#ffff00" });
  // One with a problem, and a price and budgets with some use.
  await ada.post(`/api/v1/connections/${workspace.llm.id}/check`);
  const model = `/api/v1/connections/${workspace.llm.id}/models/${"long-name".repeat(10)}`;
  await ada.send("PUT", model, { input_price: 2_500_000, output_price: 10_000_000 });
  await ada.send("PUT", `${at}/budget`, { tokens_max: 50_000, cost_micros_max: 500_000 });
  tab = await openPage(chromium.browser, server);
  await signIn(tab.page);
});
afterAll(async () => {
  await chromium?.close();
  await server?.close();
});

const settings = (part: string) => `/w/DEMO/settings/${part}`;

test("the guide has no violation and fits a phone, at its beginning and at its end", async () => {
  await lookAt(tab.page, ["/w/NEW/setup", "/w/DEMO/setup"]);
});

test("pages of models and budgets have no violation and fit a phone", async () => {
  await lookAt(tab.page, [settings(`connections/${workspace.llm.id}`), settings("budgets")]);
});

test("pages of labels, the workspace itself and its log have no violation and fit a phone", async () => {
  await lookAt(tab.page, [settings("labels"), settings("general"), settings("audit")]);
});

test("no page asks anything of another address or breaks its own rules", () => {
  expect({ foreign: tab.foreign, errors: tab.errors }).toEqual({ foreign: [], errors: [] });
});
