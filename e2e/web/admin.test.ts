import { expect, setDefaultTimeout, test } from "bun:test";
import type { Pool, PoolDiagnostics } from "@windshift/contract/api/pool.ts";
import type { AdminUserPage } from "@windshift/contract/api/user.ts";
import type { RegisterReply } from "@windshift/contract/runner.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { newNonce, TestHost } from "../../apps/server/src/testing/test-host.ts";
import { createItem } from "../../apps/server/src/testing/test-workspace.ts";
import { openPage, signIn, useScene } from "./web.fixture.ts";

setDefaultTimeout(60_000);

const scene = useScene({ workspace: "DEMO" });
let host: TestHost;

async function poolNow(name: string): Promise<PoolDiagnostics | undefined> {
  const path = "/api/v1/admin/diagnostics/runner-pools";
  return (await scene.ada.get<{ pools: PoolDiagnostics[] }>(path)).body.pools.find(
    ({ pool }) => pool === name,
  );
}
const pools = async () => (await scene.ada.get<{ pools: Pool[] }>("/api/v1/admin/pools")).body.pools;
const users = async (q: string) =>
  (await scene.ada.get<AdminUserPage>(`/api/v1/admin/users?q=${q}`)).body.users;

test("an administrator makes a pool, and is told beside the field what is wrong with it", async () => {
  const { page } = scene.tab;
  await page.getByRole("link", { name: "Installation" }).click();
  await page.getByRole("link", { name: "Runners" }).click();
  await page.getByRole("heading", { name: "Runners", level: 1 }).waitFor();
  const form = page.getByRole("form", { name: "New pool" });
  await form.getByLabel("Name").fill("Big Machines");
  await form.getByLabel("Runs at once").fill("4");
  await form.getByLabel("Labels").fill("linux, gpu,linux");
  await form.getByRole("button", { name: "Make pool" }).click();
  await form.locator(".mantine-InputWrapper-error", { hasText: "small letters" }).waitFor();
  await form.getByLabel("Name").fill("big");
  await form.getByLabel("Workspaces").fill("NOWHERE");
  await form.getByRole("button", { name: "Make pool" }).click();
  await form.getByText("there is no workspace NOWHERE").waitFor();
  await form.getByLabel("Workspaces").fill("DEMO");
  await form.getByRole("button", { name: "Make pool" }).click();
  await page.getByRole("heading", { name: "big", level: 1 }).waitFor();
  const made = (await pools()).find(({ name }) => name === "big");
  expect(made).toMatchObject({ max_running: 4, labels: ["gpu", "linux"], workspaces: ["DEMO"] });
});

test("a pool says what waits in it and for which labels", async () => {
  const { page } = scene.tab;
  await scene.ada.patch(`/api/v1/bindings/${scene.workspace.binding.id}`, { pool: "big", labels: ["arm64"] });
  await createItem(scene.ada, "DEMO", { assignee_id: scene.workspace.agent.id });
  await page.goto("/admin/runners");
  await page.getByRole("link", { name: "big" }).click();
  await page.getByText("1 queued for").waitFor();
  await page.getByText("Oldest in the queue").waitFor();
});

const runner = () =>
  scene.tab.page.getByRole("list", { name: "Runners" }).getByRole("listitem").filter({ hasText: "rack-1" });
const tokenRow = (state: string) =>
  scene.tab.page
    .getByRole("list", { name: /^Registration tokens/ })
    .getByRole("listitem")
    .filter({ hasText: state });

async function mintByPage(): Promise<string> {
  const { page } = scene.tab;
  await page.getByRole("button", { name: "Make a registration token" }).click();
  const line = page.locator(".once code", { hasText: "WSRUNNER_REGISTRATION_TOKEN=wsrt_" });
  const text = (await line.textContent()) ?? "";
  expect(text).toContain("/api/runner-install.sh");
  return /wsrt_[A-Za-z0-9_-]{43}/.exec(text)?.[0] ?? "";
}

test("a registration token is shown once, with the line to copy, and lets one runner join", async () => {
  const { page, context } = scene.tab;
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByLabel("May be used within").selectOption({ label: "1 day" });
  const token = await mintByPage();
  await page.getByRole("button", { name: "Copy the install line" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain(token);
  await tokenRow("Open").waitFor();
  await page.reload();
  await tokenRow("Open").waitFor();
  expect(await page.content()).not.toContain(token);
  const wanted = { registration_token: token, name: "rack-1", nonce: newNonce() };
  const reply = await scene.server.stranger().post<RegisterReply>("/api/runner/register", wanted);
  host = new TestHost(scene.server, reply.body);
  Object.assign(host.state, { version: "0.1.0", capacity: 3, labels: ["fast"] });
  expect((await host.heartbeat()).status).toBe(200);
  // The page sees it by itself.
  await tokenRow("Used").waitFor();
  await runner().getByText("Live", { exact: true }).waitFor();
  for (const text of ["0 of 3", "0.1.0", "fast"]) await runner().getByText(text, { exact: true }).waitFor();
});

test("a token that was not used is revoked in place, and does not open the pool any more", async () => {
  const unused = await mintByPage();
  await scene.tab.page.getByRole("button", { name: /^Revoke token/ }).click();
  await tokenRow("Revoked").waitFor();
  const wanted = { registration_token: unused, name: "late", nonce: newNonce() };
  expect((await scene.server.stranger().post("/api/runner/register", wanted)).status).toBe(401);
});

test("an alert is shown and put away, a runner drains, resumes and is revoked at the second click", async () => {
  const { page } = scene.tab;
  const next = host.restarted();
  await next.heartbeat();
  expect((await host.heartbeat()).status).toBe(409);
  const alert = runner().getByText("its credential is used on two hosts");
  await alert.waitFor();
  await runner().getByRole("button", { name: "I have seen to it" }).click();
  await alert.waitFor({ state: "detached" });

  await runner().getByRole("button", { name: "Drain" }).click();
  await runner().getByText("Draining", { exact: true }).waitFor();
  expect((await next.heartbeat()).body.drain).toBe(true);
  await runner().getByRole("button", { name: "Resume" }).click();
  await runner().getByText("Live", { exact: true }).waitFor();

  await runner().getByRole("button", { name: "Revoke rack-1" }).click();
  await page.getByRole("button", { name: "Revoke rack-1 for good" }).click();
  await runner().getByText("Revoked", { exact: true }).waitFor();
  expect((await next.heartbeat()).status).toBe(401);
  await runner().getByRole("button", { name: "Delete rack-1" }).click();
  await page.getByRole("button", { name: "Delete the runner" }).click();
  await runner().waitFor({ state: "detached" });
});

test("settings of a pool hold at once, and one that is used is not deleted", async () => {
  const { page } = scene.tab;
  await page.getByLabel("Runs at once").fill("9");
  await page.getByRole("textbox", { name: "Labels" }).fill("");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved. It holds from the next claim on.").waitFor();
  await eventually("the cap holds", async () => (await poolNow("big"))?.max_running === 9);
  expect((await pools()).find(({ name }) => name === "big")?.labels).toEqual([]);
  await page.getByRole("button", { name: "Delete this pool" }).click();
  await page.getByRole("button", { name: "Delete big for good" }).click();
  await page.getByText("pool big cannot be deleted").waitFor();
});

test("a person is made with a link, found by a search, made administrator, disabled and enabled", async () => {
  const { page } = scene.tab;
  await page.goto("/admin/users");
  const form = page.getByRole("form", { name: "New user" });
  await form.getByLabel("Name").fill("Grace");
  await form.getByLabel("E-mail").fill("ada@example.test");
  await form.getByRole("button", { name: "Create user" }).click();
  await form.locator("[role=alert], .mantine-InputWrapper-error").waitFor();
  await form.getByLabel("E-mail").fill("grace@example.test");
  await form.getByRole("button", { name: "Create user" }).click();
  await page.locator(".once code", { hasText: "/reset/wspr_" }).waitFor();
  await page.getByLabel("Search by name or e-mail").fill("GRACE@");
  const rows = page.getByRole("list", { name: "Users" }).getByRole("listitem");
  await rows.filter({ hasText: "Ada" }).waitFor({ state: "detached" });
  // The link stands where it was asked for, not below everybody.
  await rows.getByRole("button", { name: "Make a password link for Grace" }).click();
  await rows.locator(".once code", { hasText: "/reset/wspr_" }).waitFor();
  await page.getByRole("button", { name: "Make administrator: Grace" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Make administrator" }).click();
  await page.getByText("Grace is an administrator now.").waitFor();
  await page.getByRole("button", { name: "Disable Grace" }).click();
  await page.getByRole("button", { name: "Disable", exact: true }).click();
  await rows.getByText("Disabled", { exact: true }).waitFor();
  expect(await users("grace")).toMatchObject([{ name: "Grace", admin: true, disabled: true }]);
  await page.getByRole("button", { name: "Enable Grace" }).click();
  await page.getByText("Grace can sign in again.").waitFor();
  await page.getByRole("button", { name: "Take administration from Grace" }).click();
  await page.getByRole("button", { name: "Take it" }).click();
  await page.getByText("Grace is no administrator any more.").waitFor();
  expect(await users("grace")).toMatchObject([{ admin: false, disabled: false }]);
});

test("the audit log is filtered by what stands in the address, and exported", async () => {
  const { page } = scene.tab;
  await page.goto("/admin/audit?action=user.signed_in");
  const signedIn = page.getByRole("row").filter({ hasText: "user.signed_in" }).first();
  await signedIn.waitFor();
  // Whom it was done to, the person themselves, stands there by name too, and with the id for who points at it.
  const [, who = "", , whom] = await signedIn.getByRole("cell").allInnerTexts();
  expect(who).toMatch(/^(?:Ada|Grace)/);
  expect(whom).toBe(who);
  expect(await signedIn.getByRole("cell").nth(3).getAttribute("title")).toMatch(/^user \w+$/);
  await page.goto("/admin/audit?action=pool");
  await page.getByRole("cell", { name: "pool.created" }).first().waitFor();
  expect(await page.getByRole("cell", { name: "workspace.created" }).count()).toBe(0);
  await page.getByLabel("What").fill("Pool!");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByText("small letters, _ and .").waitFor();
  await page.getByLabel("What").fill("workspace.created");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByRole("cell", { name: "workspace.created" }).waitFor();
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Export as JSON lines" }).click(),
  ]);
  const lines = (await Bun.file(await file.path()).text()).trim().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ action: "workspace.created" }]);

  const reads = /\/api\/v1\/admin\/audit(?:\?|$)/;
  await page.route(reads, async (route) => {
    const refusal = { code: "rate_limited", message: "ask later", type: "windshift_error" };
    if (route.request().url().includes("before="))
      return route.fulfill({ status: 429, json: { error: refusal } });
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), next_before: 1 } });
  });
  await page.reload();
  await page.getByRole("button", { name: "Show older ones" }).click();
  await page.getByRole("alert").getByText("ask later").waitFor();
  await page.unroute(reads);
});

test("the use of models is shown by month, as bars and as a table", async () => {
  const { page } = scene.tab;
  await page.goto("/admin/usage");
  const today = new Date().toISOString().slice(0, 10);
  await page.getByRole("heading", { name: "Usage" }).waitFor();
  await page.getByText("As a table").first().click();
  await page.getByRole("row", { name: new RegExp(`${today} 0 tokens`) }).waitFor();
  await page.getByText("No workspace called a model in this month.").waitFor();
});

test("who does not administrate the installation gets no link and finds nothing there", async () => {
  await scene.server.addPerson(scene.ada, "Mel");
  const { page, context } = await openPage(scene.browser, scene.server);
  await signIn(page, "mel@example.test");
  expect(await page.getByRole("link", { name: "Installation" }).count()).toBe(0);
  for (const path of ["/admin/runners", "/admin/users", "/admin/runners/1"]) {
    await page.goto(path);
    await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  }
  await context.close();
  for (const path of ["999", "x", "1.5", "0"]) {
    await scene.tab.page.goto(`/admin/runners/${path}`);
    await scene.tab.page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  }
  expect({ foreign: scene.tab.foreign, errors: scene.tab.errors }).toEqual({ foreign: [], errors: [] });
});
