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
  await ada.post(`${at}/skills`, { name: "S".repeat(120), description: "d".repeat(400), body: "# Text" });
  await ada.patch("/api/v1/skills/1", { body: `# Other\n\n${"w".repeat(200)}` });
  await ada.post(`${at}/invitations`, { email: `${"x".repeat(60)}@example.test` });
  tab = await openPage(chromium.browser, server);
  await signIn(tab.page);
});
afterAll(async () => {
  await chromium?.close();
  await server?.close();
});

const settings = (part: string) => `/w/DEMO/settings/${part}`;

test("pages of connections have no violation and fit a phone", async () => {
  const { body } = await ada.post<{ id: number }>("/api/v1/workspaces/DEMO/connections", {
    kind: "git",
    provider: "github",
    name: "remote",
    base_url: "http://127.0.0.1:9",
    token: "ghp_0123456789",
  });
  const pages = ["connections", "connections/new/github_app", `connections/${body.id}`, "repositories"];
  await lookAt(tab.page, pages.map(settings));
});

test("pages of members and agents have no violation and fit a phone", async () => {
  const agent = settings(`agents/${workspace.agent.id}`);
  await lookAt(tab.page, [settings("members"), settings("agents"), agent]);
});

test("pages of skills have no violation and fit a phone", async () => {
  await lookAt(tab.page, [settings("skills"), settings("skills/1")]);
});

test("no page asks anything of another address or breaks its own rules", () => {
  expect({ foreign: tab.foreign, errors: tab.errors }).toEqual({ foreign: [], errors: [] });
});
