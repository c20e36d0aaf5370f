import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Connection } from "@windshift/contract/api/connection.ts";
import type { Repository } from "@windshift/contract/api/repository.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { type GithubServer, startGithubServer } from "@windshift/testing/forges/github-server.ts";
import type { TestClient } from "../../apps/server/src/testing/test-client.ts";
import type { TestServer } from "../../apps/server/src/testing/test-server.ts";
import { create } from "../../apps/server/src/testing/test-workspace.ts";
import { launchBrowser, openPage, signIn, startWebServer, type WatchedPage } from "./web.fixture.ts";

setDefaultTimeout(60_000);

let forge: GithubServer;
let server: TestServer;
let chromium: Awaited<ReturnType<typeof launchBrowser>>;
let ada: TestClient;
let tab: WatchedPage;
/** Everything that the browser received, and what its scripts printed. */
const seen: Promise<string>[] = [];

beforeAll(async () => {
  [forge, server, chromium] = await Promise.all([startGithubServer(), startWebServer(), launchBrowser()]);
  ada = await server.setUp();
  await create(ada, "/api/v1/workspaces", { key: "DEMO", name: "Demo" });
  tab = await openPage(chromium.browser, server);
  tab.page.on("response", (response) => {
    // What has no body has no text, and a stream has no end.
    if (!/\/stream$|\/assets\//.test(response.url())) seen.push(response.text().catch(() => ""));
  });
  tab.page.on("console", (message) => void seen.push(Promise.resolve(message.text())));
  await signIn(tab.page);
});
afterAll(async () => {
  await chromium?.close();
  await server?.close();
  await forge?.stop();
});

const AT = "/api/v1/workspaces/DEMO";
const KEY = "sk-ant-0123456789abcdef";
const connections = async () =>
  (await ada.get<{ connections: Connection[] }>(`${AT}/connections`)).body.connections;
const settings = (part: string) => `/w/DEMO/settings/${part}`;

test("an admin adds a connection to GitHub and is told beside the field what is wrong, with what was typed kept", async () => {
  const { page } = tab;
  await page.goto("/w/DEMO");
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("link", { name: "Connections" }).click();
  await page.getByRole("link", { name: "Add GitHub with a token" }).click();
  const address = page.getByLabel("Address");
  await address.fill("ftp://not-a-forge");
  await page.getByLabel("Access token").fill(forge.tokens.narrow);
  await page.getByRole("button", { name: "Add connection" }).click();
  await page.getByText("an http:// or https:// address").waitFor();
  expect(await address.getAttribute("aria-invalid")).toBe("true");
  expect(await page.getByLabel("Access token").inputValue()).toBe(forge.tokens.narrow);
  await page.reload();
  expect(await address.inputValue()).toBe("ftp://not-a-forge");
  expect(await page.getByLabel("Access token").inputValue()).toBe("");
  await address.fill(forge.url);
  await page.getByLabel("Access token").fill(forge.tokens.narrow);
  await page.getByRole("button", { name: "Add connection" }).click();
  await page.getByRole("heading", { name: "GitHub was added" }).waitFor();
  await page.getByRole("button", { name: "Copy the secret" }).waitFor();
  await page.getByRole("link", { name: "Go on to GitHub" }).click();
  await page.getByRole("heading", { name: "GitHub", level: 1, exact: true }).waitFor();
  const [made] = await connections();
  expect(made).toMatchObject({ provider: "github", base_url: forge.url });
  await page.getByText(made?.secret_fingerprint ?? "none").waitFor();
});

test("the test says in place which scope is missing, and a new token is stored without a reload", async () => {
  const { page } = tab;
  await page.getByText("Not tested").waitFor();
  // Lost when the page is loaded again.
  await page.evaluate(() => document.body.setAttribute("data-same-page", ""));
  await page.getByRole("button", { name: "Test connection" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("lacks the scope `repo` (it has read:user)").waitFor();
  await page.getByText("Problem", { exact: true }).waitFor();

  await page.getByLabel("Access token").fill(forge.tokens.full);
  await page.getByRole("button", { name: "Replace credential" }).click();
  await page.getByText("The new credential is stored").waitFor();
  expect(await page.getByLabel("Access token").inputValue()).toBe("");
  await page.getByText("Not tested").waitFor();
  await page.getByText("lacks the scope").waitFor({ state: "detached" });
  expect(await page.locator("[data-same-page]").count()).toBe(1);
});

test("a repository is searched, chosen, and stands in the workspace with its default branch", async () => {
  const { page } = tab;
  const { owner, name } = forge.repository;
  await page.getByRole("link", { name: "Choose repositories" }).click();
  await page.getByLabel("Search by name").fill("nothing-like-this");
  await page.keyboard.press("Enter");
  await page.getByText("No repository of that name").waitFor();
  await page.getByLabel("Search by name").fill(name);
  await page.getByRole("button", { name: "Search", exact: true }).last().click();
  await page.getByRole("button", { name: `Use ${owner}/${name}` }).click();
  await page.getByText("default branch is main").waitFor();
  await page.getByText("In this workspace", { exact: true }).waitFor();
  expect(await page.getByRole("button", { name: /^Use / }).count()).toBe(0);
  const { repositories } = (await ada.get<{ repositories: Repository[] }>(`${AT}/repositories`)).body;
  expect(repositories).toMatchObject([{ owner, name, default_branch: "main" }]);
});

test("the new token is tested again, and the answer takes the place of what was missing", async () => {
  const { page } = tab;
  const [made] = await connections();
  // The address that pages had before.
  await page.goto(`/workspaces/DEMO/connections/${made?.id}`);
  await page.waitForURL(`**${settings(`connections/${made?.id}`)}`);
  await page.getByText(`${forge.repository.owner}/${forge.repository.name}`).waitFor();
  await page.getByRole("button", { name: "Test connection" }).click();
  await page.getByText(`Connected as ${forge.agent}`).waitFor();
  await page.getByText("Works", { exact: true }).waitFor();
});

test("a repository that the credential cannot push to is shown as such, and an archived one cannot be chosen", async () => {
  const { page } = tab;
  const listed = (name: string, more: object) => ({
    name,
    owner: { login: "acme" },
    default_branch: "trunk",
    html_url: `${forge.url}/acme/${name}`,
    private: false,
    permissions: { push: true },
    ...more,
  });
  const body = [
    listed("read-only", { permissions: { push: false } }),
    listed("old", { archived: true, html_url: "javascript:alert(1)" }),
  ];
  forge.faults.add({ method: "GET", path: /\/user\/repos/, what: { kind: "answer", status: 200, body } });
  const [made] = await connections();
  await page.goto(`/workspaces/DEMO/connections/${made?.id}/repositories`);
  const row = (name: string) => page.getByRole("listitem").filter({ hasText: `acme/${name}` });
  await row("read-only").getByText("The credential cannot push here.").waitFor();
  await row("read-only").getByText("default branch trunk").waitFor();
  await row("old").getByText("archived").waitFor();
  expect(await row("old").getByRole("link").count()).toBe(0);
  expect(await page.getByRole("button", { name: /^Use / }).allTextContents()).toEqual(["Use acme/read-only"]);
});

test("what the forge says to a refused credential stands where its repositories would", async () => {
  const { page } = tab;
  const [made] = await connections();
  await ada.patch(`/api/v1/connections/${made?.id}`, { token: forge.tokens.revoked });
  await page.goto(`${settings("repositories")}?connection=${made?.id}`);
  await page.getByRole("alert").waitFor();
  await page.getByRole("link", { name: "Test the connection" }).click();
  const said = (await connections())[0]?.check_problem ?? "no problem";
  await page.getByText(said).waitFor();
});

test("a GitHub App and a key for models are taken by their own forms", async () => {
  const { page } = tab;
  await page.goto(settings("connections/new/github_app"));
  await page.getByLabel("Address").fill(forge.url);
  await page.getByRole("textbox", { name: "App ID", exact: true }).fill(String(forge.app.appId));
  await page.getByLabel("Installation ID").fill(String(forge.app.installationId));
  await page.getByLabel("Private key").fill("not a key");
  await page.getByRole("button", { name: "Add connection" }).click();
  await page
    .locator("[role=alert], .mantine-InputWrapper-error")
    .filter({ hasText: "the whole text of the .pem file" })
    .waitFor();
  await page.getByLabel("Private key").fill(forge.app.privateKey);
  await page.getByRole("button", { name: "Add connection" }).click();
  await page.getByRole("link", { name: "Go on to GitHub App" }).click();
  await page.getByRole("button", { name: "Test connection" }).click();
  await page.getByText("Connected as the app").waitFor();

  await page.goto(settings("connections/new/anthropic"));
  await page.getByLabel("API key").fill(KEY);
  await page.getByRole("button", { name: "Add connection" }).click();
  await page.getByRole("heading", { name: "Anthropic", level: 1, exact: true }).waitFor();
  // An empty field is no wish to lose the stored key; who has that wish says so.
  const keyNow = async () =>
    (await connections()).find(({ name }) => name === "Anthropic")?.secret_fingerprint;
  expect(await page.getByRole("button", { name: "Replace credential" }).isDisabled()).toBe(true);
  expect(await keyNow()).toBeString();
  await page.getByRole("button", { name: "Remove the key" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove the key" }).click();
  await eventually("the key is gone", async () => (await keyNow()) === null);
  expect((await connections()).map(({ name }) => name).sort()).toEqual(["Anthropic", "GitHub", "GitHub App"]);
});

test("a connection is deleted after a second click, and not while a repository uses it", async () => {
  const { page } = tab;
  const all = await connections();
  const remove = async (name: string) => {
    await page.goto(settings(`connections/${all.find((one) => one.name === name)?.id}`));
    await page.getByRole("button", { name: "Delete this connection" }).click();
    await page.getByRole("button", { name: `Delete ${name} for good` }).click();
  };
  await remove("GitHub");
  await page.getByText("is used by repository acme/shop").waitFor();
  await remove("Anthropic");
  await page.waitForURL(`**${settings("connections")}`);
  expect((await connections()).map(({ name }) => name)).not.toContain("Anthropic");
});

test("WB-14 no credential is in a page, an answer, what the browser stores or what its scripts print", async () => {
  const { page, context } = tab;
  const paths = ["/", settings("connections")];
  for (const { id } of await connections()) paths.push(settings(`connections/${id}`));
  const held: string[] = [];
  for (const path of paths) {
    await page.goto(path);
    await page.locator("h1").first().waitFor();
    held.push(await page.content());
    const fields = page.locator("input, textarea");
    held.push(...(await fields.evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value))));
  }
  held.push(JSON.stringify(await page.evaluate(() => ({ ...localStorage, ...sessionStorage }))));
  held.push(JSON.stringify(await context.storageState()));
  const all = [...held, ...(await Promise.all(seen))].join("\n");
  expect(all).toContain("Connected as");
  const pem = forge.app.privateKey.split("\n").slice(1, 3);
  for (const secret of [...Object.values(forge.tokens), KEY, ...pem]) expect(all).not.toContain(secret);
  expect(server.logLines.join("\n")).not.toContain(forge.tokens.full);
  expect({ foreign: tab.foreign, errors: tab.errors }).toEqual({ foreign: [], errors: [] });
});

test("who is no admin of the workspace gets no link and finds nothing there", async () => {
  const mel = await server.addPerson(ada, "Mel");
  await ada.post(`${AT}/members`, { user_id: mel.id, role: "member" });
  const { page, context } = await openPage(chromium.browser, server);
  await page.goto(settings("connections"));
  await page.waitForURL(`**/login?next=${encodeURIComponent(settings("connections"))}`);
  await page.getByLabel("E-mail").fill("mel@example.test");
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL(`**${settings("connections")}`);
  const nothing = page.getByRole("heading", { name: "There is nothing here" });
  await nothing.waitFor();
  expect(await page.getByRole("link", { name: "Settings" }).count()).toBe(0);
  await page.goto("/w/DEMO/setup");
  await nothing.waitFor();
  await context.close();
  for (const path of ["connections/999", "connections/x", "connections/new/svn", "nothing"]) {
    await tab.page.goto(settings(path));
    await tab.page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  }
});
