import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { TestClient } from "../../apps/server/src/testing/test-client.ts";
import { addHost, createPool, mintToken } from "../../apps/server/src/testing/test-host.ts";
import type { TestServer } from "../../apps/server/src/testing/test-server.ts";
import { createTestWorkspace } from "../../apps/server/src/testing/test-workspace.ts";
import { lookAt } from "./page-looks.ts";
import { launchBrowser, openPage, signIn, startWebServer, type WatchedPage } from "./web.fixture.ts";

// Each page is looked at four times.
setDefaultTimeout(120_000);

let server: TestServer;
let chromium: Awaited<ReturnType<typeof launchBrowser>>;
let ada: TestClient;
let tab: WatchedPage;
beforeAll(async () => {
  [server, chromium] = await Promise.all([startWebServer(), launchBrowser()]);
  ada = await server.setUp();
  await createTestWorkspace(ada, "DEMO");
  tab = await openPage(chromium.browser, server);
  await signIn(tab.page);
});
afterAll(async () => {
  await chromium?.close();
  await server?.close();
});

test("pages of pools have no violation and fit a phone", async () => {
  const labels = ["gpu", `l${"o".repeat(60)}ng`];
  const pool = await createPool(ada, { name: `p${"o".repeat(70)}l`, labels });
  const host = await addHost(server, ada, pool);
  await mintToken(ada, pool);
  Object.assign(host.state, { labels });
  await host.heartbeat();
  await host.restarted().heartbeat();
  await host.heartbeat();
  await lookAt(tab.page, ["/admin/runners", `/admin/runners/${pool.id}`]);
});

test("pages of users and the audit log have no violation and fit a phone", async () => {
  await lookAt(tab.page, ["/admin/users", "/admin/audit"]);
});

test("pages of usage and workspaces have no violation and fit a phone", async () => {
  await lookAt(tab.page, ["/admin/usage", "/admin/workspaces"]);
});

test("pages of backups and one's account have no violation and fit a phone", async () => {
  await lookAt(tab.page, ["/admin/backup", "/account"]);
  expect({ foreign: tab.foreign, errors: tab.errors }).toEqual({ foreign: [], errors: [] });
});
