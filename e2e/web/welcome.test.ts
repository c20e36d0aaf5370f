import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { StartedCliLogin } from "@windshift/contract/api/cli-login.ts";
import type { InvitationWithLink } from "@windshift/contract/api/invitation.ts";
import type { PasswordLink } from "@windshift/contract/api/user.ts";
import type { TestClient } from "../../apps/server/src/testing/test-client.ts";
import type { TestServer } from "../../apps/server/src/testing/test-server.ts";
import { signInAs } from "../../apps/server/src/testing/test-server.ts";
import { lookAt } from "./page-looks.ts";
import { launchBrowser, openPage, startWebServer, type WatchedPage } from "./web.fixture.ts";

setDefaultTimeout(60_000);

const PASSWORD = "correct horse battery";
let server: TestServer;
let chromium: Awaited<ReturnType<typeof launchBrowser>>;
let tab: WatchedPage;
let ada: TestClient;
beforeAll(async () => {
  server = await startWebServer();
  chromium = await launchBrowser();
  tab = await openPage(chromium.browser, server);
});
afterAll(async () => {
  await chromium?.close();
  await server?.close();
});

/** A tab of somebody who is not signed in. */
async function inNewTab(act: (tab: WatchedPage) => Promise<void>): Promise<void> {
  const opened = await openPage(chromium.browser, server);
  await act(opened);
  expect({ foreign: opened.foreign, errors: opened.errors }).toEqual({ foreign: [], errors: [] });
  await opened.context.close();
}

test("an empty server leads to its set-up, says what is wrong with a field, and keeps all but the password", async () => {
  const { page } = tab;
  await page.goto("/items/DEMO-1");
  await page.getByRole("heading", { name: "Set up Windshift" }).waitFor();
  expect(new URL(page.url()).pathname).toBe("/setup");
  await page.getByLabel("Name").fill("Ada");
  await page.getByLabel("E-mail").fill("ada@example.test");
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Create administrator" }).click();
  const password = page.getByLabel("Password");
  await page.getByText("at least 10 characters", { exact: true }).waitFor();
  expect(await password.getAttribute("aria-invalid")).toBe("true");
  await page.reload();
  expect(await page.getByLabel("Name").inputValue()).toBe("Ada");
  expect(await password.inputValue()).toBe("");
  expect(JSON.stringify(await page.evaluate(() => ({ ...localStorage })))).not.toContain("short");
  await password.fill(PASSWORD);
  await page.getByRole("button", { name: "Create administrator" }).click();
  await page.getByRole("heading", { name: "Make a workspace" }).waitFor();
  ada = await signInAs(server.stranger(), "ada@example.test");
});

test("WB-25 the set-up goes on after a reload with the first workspace, ends at the guide, and is there never again", async () => {
  const { page } = tab;
  await page.reload();
  await page.getByRole("heading", { name: "Make a workspace" }).waitFor();
  await page.getByLabel("Name").fill("Demo team");
  expect(await page.getByLabel("Key").inputValue()).toBe("DEMO");
  await page.getByLabel("Key").fill("d");
  await page.getByRole("button", { name: "Create workspace" }).click();
  await page.getByText("2 to 10 capital letters or digits").waitFor();
  await page.getByLabel("Key").fill("demo");
  await page.getByRole("button", { name: "Create workspace" }).click();
  await page.waitForURL("/w/DEMO/setup");
  await page.getByRole("heading", { name: "Set up your first agent" }).waitFor();
  await page.goto("/setup");
  await page.getByRole("heading", { name: "My work" }).waitFor();
  await inNewTab(async (stranger) => {
    await stranger.page.goto("/setup");
    await stranger.page.getByRole("heading", { name: "Sign in to Windshift" }).waitFor();
  });
});

test("who has no account takes an invitation once, and is told when the link is spent", async () => {
  const made = await ada.post<InvitationWithLink>("/api/v1/workspaces/DEMO/invitations", { role: "member" });
  const path = new URL(made.body.url).pathname;
  await inNewTab(async ({ page }) => {
    await page.goto(path);
    await page.getByRole("heading", { name: "Join Demo team" }).waitFor();
    await page.getByText("Ada invites you").waitFor();
    await page.getByLabel("Name").fill("Grace");
    await page.getByLabel("E-mail").fill("grace@example.test");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Make my account and join" }).click();
    await page.waitForURL("/w/DEMO");
  });
  await inNewTab(async ({ page }) => {
    await page.goto(path);
    await page.getByRole("heading", { name: "This link does not work any more" }).waitFor();
  });
});

test("who is signed in takes an invitation with the account they have", async () => {
  const zoe = await server.addPerson(ada, "Zoe");
  const made = await ada.post<InvitationWithLink>("/api/v1/workspaces/DEMO/invitations", { role: "viewer" });
  await inNewTab(async ({ page }) => {
    await page.goto(new URL(made.body.url).pathname);
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.getByLabel("E-mail").fill("zoe@example.test");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByText("You are signed in as Zoe").waitFor();
    await page.getByRole("button", { name: "Accept the invitation" }).click();
    await page.waitForURL("/w/DEMO");
  });
  const { workspaces } = (await zoe.client.get<{ workspaces: object[] }>("/api/v1/workspaces")).body;
  expect(workspaces).toMatchObject([{ key: "DEMO", role: "viewer" }]);
});

test("a password link sets a password and signs in", async () => {
  const kim = await server.addPerson(ada, "Kim");
  const link = await ada.post<PasswordLink>(`/api/v1/admin/users/${kim.id}/password-link`);
  await inNewTab(async ({ page }) => {
    await page.goto(new URL(link.body.url).pathname);
    await page.getByText("For Kim (kim@example.test)").waitFor();
    await page.getByLabel("Password").fill("a wholly new password");
    await page.getByRole("button", { name: "Set the password and sign in" }).click();
    await page.getByRole("heading", { name: "My work" }).waitFor();
  });
  expect((await kim.client.get("/api/v1/me")).status).toBe(401);
});

test("a command line is approved by the person who compares its code, and refused by another click", async () => {
  const { page } = tab;
  const start = async () =>
    (await server.stranger().post<StartedCliLogin>("/api/v1/cli-logins", { client_name: "ws on laptop" }))
      .body;
  const approved = await start();
  await page.goto(approved.verification_path);
  await page.getByText(approved.user_code, { exact: true }).waitFor();
  await page.getByText("ws on laptop").waitFor();
  await page.getByLabel("It may").selectOption("read");
  await page.getByLabel("Works for, days").fill("400");
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByText("at most 366", { exact: true }).waitFor();
  await page.getByLabel("Works for, days").fill("7");
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("heading", { name: "The command line is signed in" }).waitFor();
  const poll = { poll_secret: approved.poll_secret };
  const got = await server.stranger().post("/api/v1/cli-logins/poll", poll);
  expect(got.body).toMatchObject({ state: "approved", scopes: ["read"] });

  const denied = await start();
  await page.goto(denied.verification_path);
  await page.getByRole("button", { name: "Refuse" }).click();
  await page.getByRole("heading", { name: "The sign-in was refused" }).waitFor();
  await page.goto("/cli/BCDF-GHJK");
  await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
});

test("a wrong password says so, and the way back is kept on this site", async () => {
  await inNewTab(async ({ page }) => {
    // Browsers drop the tab, and what is left is the address of another site.
    await page.goto("/login?next=/%09/elsewhere.test/");
    await page.getByLabel("E-mail").fill("ada@example.test");
    await page.getByLabel("Password").fill("not the password");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("alert").waitFor();
    expect(await page.getByLabel("E-mail").inputValue()).toBe("ada@example.test");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("heading", { name: "My work" }).waitFor();
  });
  await inNewTab(async ({ page }) => {
    await page.goto("/login?problem=oidc_email_taken");
    await page.getByText("There is an account with your e-mail address.").waitFor();
  });
});

test("pages before the sign-in have no violation, fit a phone, and ask nothing of others", async () => {
  const invitation = await ada.post<InvitationWithLink>("/api/v1/workspaces/DEMO/invitations", {});
  const kim = await server.addPerson(ada, "Kay");
  const link = await ada.post<PasswordLink>(`/api/v1/admin/users/${kim.id}/password-link`);
  const paths = [
    "/login",
    new URL(invitation.body.url).pathname,
    new URL(link.body.url).pathname,
    "/invite/x",
  ];
  await inNewTab(({ page }) => lookAt(page, paths));
  expect({ foreign: tab.foreign, errors: tab.errors }).toEqual({ foreign: [], errors: [] });
});
