import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Pool, PoolDiagnostics } from "@windshift/contract/api/pool.ts";
import type { RegisterReply } from "@windshift/contract/runner.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { TestClient } from "../testing/test-client.ts";
import { newNonce, TestHost } from "../testing/test-host.ts";
import type { TestServer } from "../testing/test-server.ts";
import { createItem, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";
import { launchBrowser, openPage, signIn, startWebServer, type WatchedPage } from "./web.fixture.ts";

setDefaultTimeout(60_000);

let server: TestServer;
let chromium: Awaited<ReturnType<typeof launchBrowser>>;
let ada: TestClient;
let workspace: TestWorkspace;
let tab: WatchedPage;
let token: string;
let host: TestHost;

beforeAll(async () => {
  [server, chromium] = await Promise.all([startWebServer(), launchBrowser()]);
  ada = await server.setUp();
  workspace = await createTestWorkspace(ada, "DEMO");
  tab = await openPage(chromium.browser, server);
  await signIn(tab.page);
});
afterAll(async () => {
  await chromium?.close();
  await server?.close();
});

async function poolNow(name: string): Promise<PoolDiagnostics | undefined> {
  const path = "/api/v1/admin/diagnostics/runner-pools";
  return (await ada.get<{ pools: PoolDiagnostics[] }>(path)).body.pools.find(({ pool }) => pool === name);
}
const pools = async () => (await ada.get<{ pools: Pool[] }>("/api/v1/admin/pools")).body.pools;

test("an administrator makes a pool, and is told beside the field what is wrong with it", async () => {
  const { page } = tab;
  await page.getByRole("link", { name: "Runners" }).click();
  await page.getByRole("heading", { name: "Runners", level: 1 }).waitFor();
  await page.getByText("New pool").click();
  await page.getByLabel("Name").fill("Big Machines");
  await page.getByLabel("Runs at once").fill("4");
  await page.getByLabel("Labels").fill("linux, gpu,linux");
  await page.getByRole("button", { name: "Make pool" }).click();
  await page.locator("#new-name-error", { hasText: "small letters" }).waitFor();
  await page.getByLabel("Name").fill("big");
  await page.getByLabel("Workspaces").fill("NOWHERE");
  await page.getByRole("button", { name: "Make pool" }).click();
  await page.getByText("there is no workspace NOWHERE").waitFor();
  await page.getByLabel("Workspaces").fill("DEMO");
  await page.getByRole("button", { name: "Make pool" }).click();
  await page.waitForURL(/\/admin\/runners\/\d+$/);
  await page.getByRole("heading", { name: "big", level: 1 }).waitFor();
  const made = (await pools()).find(({ name }) => name === "big");
  expect(made).toMatchObject({ max_running: 4, labels: ["gpu", "linux"], workspaces: ["DEMO"] });
});

test("a queued item says why it waits: no runner, then none with its labels", async () => {
  const { page } = tab;
  await ada.patch(`/api/v1/bindings/${workspace.binding.id}`, { pool: "big", labels: ["arm64"] });
  const item = await createItem(ada, "DEMO", { assignee_id: workspace.agent.id });
  await page.goto(`/items/${item.key}`);
  await page.getByText('No runner of pool "big" is alive').waitFor();
  await page.goto("/admin/runners");
  await page.getByRole("link", { name: "big" }).click();
  await page.getByText("1 queued for").waitFor();
});

test("a registration token is shown once, with the line to copy, and lets one runner join", async () => {
  const { page } = tab;
  await page.getByLabel("May be used within").selectOption({ label: "1 day" });
  await page.getByRole("button", { name: "Make a registration token" }).click();
  const line = page.locator("#install-line");
  await line.filter({ hasText: "WSRUNNER_REGISTRATION_TOKEN=wsrt_" }).waitFor();
  token = /wsrt_[A-Za-z0-9_-]{43}/.exec((await line.textContent()) ?? "")?.[0] ?? "";
  expect(await line.textContent()).toContain("/api/runner-install.sh");
  await page.getByRole("button", { name: "Copy the line" }).click();
  expect(await page.evaluate(() => String(getSelection()))).toContain(token);
  await page.locator("#tokens li", { hasText: "Open" }).waitFor();
  await page.reload();
  expect(await page.content()).not.toContain(token);
  const wanted = { registration_token: token, name: "rack-1", nonce: newNonce() };
  const reply = await server.stranger().post<RegisterReply>("/api/runner/register", wanted);
  host = new TestHost(server, reply.body);
  Object.assign(host.state, { version: "0.1.0", capacity: 3, labels: ["fast"] });
  expect((await host.heartbeat()).status).toBe(200);
  await page.reload();
  await page.locator("#tokens li", { hasText: "Used" }).waitFor();
  const card = page.locator("#runners li", { hasText: "rack-1" });
  await card.locator(".badge", { hasText: "Live" }).waitFor();
  for (const text of ["0 of 3", "0.1.0", "fast"]) await card.getByText(text, { exact: true }).waitFor();
});

test("a token that was not used is revoked in place, and does not open the pool any more", async () => {
  const { page } = tab;
  await page.getByRole("button", { name: "Make a registration token" }).click();
  const line = page.locator("#install-line");
  await line.filter({ hasText: "wsrt_" }).waitFor();
  const unused = /wsrt_[A-Za-z0-9_-]{43}/.exec((await line.textContent()) ?? "")?.[0];
  await page.getByRole("button", { name: /^Revoke token/ }).click();
  await page.locator("#tokens li", { hasText: "Revoked" }).waitFor();
  const wanted = { registration_token: unused, name: "late", nonce: newNonce() };
  expect((await server.stranger().post("/api/runner/register", wanted)).status).toBe(401);
});

test("an alert is shown and put away, a runner drains, resumes and is revoked at the second click", async () => {
  const { page } = tab;
  const item = (await ada.get<{ items: { key: string }[] }>("/api/v1/workspaces/DEMO/items")).body.items[0];
  const next = host.restarted();
  await next.heartbeat();
  expect((await host.heartbeat()).status).toBe(409);
  await page.reload();
  const card = page.locator("#runners li", { hasText: "rack-1" });
  await card.getByText("its credential is used on two hosts").waitFor();
  await card.getByRole("button", { name: "I have seen to it" }).click();
  await card.getByText("its credential is used on two hosts").waitFor({ state: "detached" });

  await card.getByRole("button", { name: "Drain" }).click();
  await card.locator(".badge", { hasText: "Draining" }).waitFor();
  expect((await next.heartbeat()).body.drain).toBe(true);
  await page.goto(`/items/${item?.key}`);
  await page.getByText('No live runner of pool "big" has all of the labels arm64').waitFor();
  await page.goBack();
  await card.getByRole("button", { name: "Resume" }).click();
  await card.locator(".badge", { hasText: "Live" }).waitFor();

  await card.getByText("Revoke", { exact: false }).first().click();
  await card.getByRole("button", { name: "Revoke rack-1 for good" }).click();
  await card.locator(".badge", { hasText: "Revoked" }).waitFor();
  expect((await next.heartbeat()).status).toBe(401);
  expect(await card.getByRole("button").count()).toBe(0);
});

test("settings of a pool hold at once, and one that is used is not deleted", async () => {
  const { page } = tab;
  await page.getByLabel("Runs at once").fill("9");
  await page.getByLabel("Labels", { exact: true }).fill("");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("#settings-result.good", { hasText: "Saved" }).waitFor();
  await eventually("the cap holds", async () => (await poolNow("big"))?.max_running === 9);
  expect((await pools()).find(({ name }) => name === "big")?.labels).toEqual([]);
  await page.getByText("Delete this pool").click();
  await page.getByRole("button", { name: "Delete big for good" }).click();
  await page.getByRole("alert").filter({ hasText: "pool big cannot be deleted" }).waitFor();
  expect({ foreign: tab.foreign, errors: tab.errors }).toEqual({ foreign: [], errors: [] });
});

test("who does not administrate the installation gets no link and the API's refusal", async () => {
  const mel = await server.addPerson(ada, "Mel");
  expect((await mel.client.get("/")).text).not.toContain('href="/admin/runners"');
  const [pool] = await pools();
  for (const at of ["/admin/runners", `/admin/runners/${pool?.id}`]) {
    expect([at, (await mel.client.get(at)).status]).toEqual([at, 403]);
    const stranger = await server.stranger().get(at);
    expect(stranger.headers.get("location")).toBe(`/login?next=${encodeURIComponent(at)}`);
    expect((await server.stranger().get(`/login?next=${at}`)).text).toContain(`data-then="${at}"`);
  }
  for (const path of ["999", "x", "1.5", "0"])
    expect([path, (await ada.get(`/admin/runners/${path}`)).status]).toEqual([path, 404]);
});
