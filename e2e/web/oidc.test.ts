import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { startTestServer, type TestServer } from "../../apps/server/src/testing/test-server.ts";
import { startTestProvider, type TestProvider } from "../../apps/server/src/users/oidc-provider.fixture.ts";
import { findViolations, launchBrowser, openPage, signIn, type WatchedPage } from "./web.fixture.ts";

setDefaultTimeout(60_000);

let provider: TestProvider;
let server: TestServer;
let chromium: Awaited<ReturnType<typeof launchBrowser>>;
beforeAll(async () => {
  provider = startTestProvider();
  const { issuer, clientId, clientSecret } = provider;
  const oidc = { issuer, clientId, clientSecret, name: "Acme", autoCreate: true };
  [server, chromium] = await Promise.all([startTestServer({ oidc }), launchBrowser()]);
  await server.setUp();
});
afterAll(async () => {
  await chromium?.close();
  await server?.close();
  await provider?.close();
});

/** A tab of a browser that nobody is signed in with; it goes to the provider and nowhere else. */
async function inNewTab(act: (page: WatchedPage["page"]) => Promise<void>): Promise<void> {
  const { page, context, foreign, errors } = await openPage(chromium.browser, server);
  await act(page);
  expect(foreign.filter((url) => !url.startsWith(`${provider.issuer}/authorize`))).toEqual([]);
  expect(errors).toEqual([]);
  await context.close();
}

test("WB-08 who comes by the provider lands where they wanted to, with an account of their own", async () => {
  provider.person = { sub: "1", name: "Grace", email: "grace@idp.example", email_verified: true };
  await inNewTab(async (page) => {
    await page.goto("/account");
    await page.getByRole("link", { name: "Sign in with Acme" }).waitFor();
    expect(await findViolations(page)).toEqual([]);
    await page.getByRole("link", { name: "Sign in with Acme" }).click();
    await page.getByRole("heading", { name: "Account" }).waitFor();
    await page.getByText("Your account is connected, and has no other way in.").waitFor();
    await page.getByText("You sign in with your organization's provider").waitFor();
  });
});

test("WB-08 an address that has an account is not taken over; its owner connects it, and parts it again", async () => {
  provider.person = { sub: "2", name: "Ada", email: "ada@example.test", email_verified: true };
  await inNewTab(async (page) => {
    await page.goto("/login");
    await page.getByRole("link", { name: "Sign in with Acme" }).click();
    await page.getByText("There is an account with your e-mail address.").waitFor();
    await signIn(page);
    await page.goto("/account");
    await page.getByLabel("Your password here").fill("correct horse battery");
    await page.getByRole("button", { name: "Connect with Acme" }).click();
    await page.getByRole("button", { name: "Part from Acme" }).waitFor();
  });
  await inNewTab(async (page) => {
    await page.goto("/login");
    await page.getByRole("link", { name: "Sign in with Acme" }).click();
    await page.getByRole("heading", { name: "My work" }).waitFor();
    await page.goto("/account");
    await page.getByRole("button", { name: "Part from Acme" }).waitFor();
    expect(await findViolations(page)).toEqual([]);
    await page.getByRole("button", { name: "Part from Acme" }).click();
    await page.getByRole("button", { name: "Part them" }).click();
    await page.getByRole("button", { name: "Connect with Acme" }).waitFor();
  });
});

test("a provider that lets nobody in is said so beside the password", async () => {
  provider.misbehave = { tampered: true };
  await inNewTab(async (page) => {
    await page.goto("/login");
    await page.getByRole("link", { name: "Sign in with Acme" }).click();
    await page.getByRole("alert").filter({ hasText: "could not be trusted" }).waitFor();
    await page.getByLabel("Password").waitFor();
  });
});
