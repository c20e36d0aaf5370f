import { expect, setDefaultTimeout, test } from "bun:test";
import type { Backup } from "@windshift/contract/api/backup.ts";
import { openPage, signIn, useScene } from "./web.fixture.ts";

setDefaultTimeout(60_000);

const scene = useScene({ workspace: "DEMO" });

test("a person renames themselves, and chooses colors that stay", async () => {
  const { page } = scene.tab;
  await page.goto("/account");
  const form = page.getByRole("form", { name: "Name" });
  await form.getByLabel("Name").fill("Ada L.");
  await page.reload();
  expect(await form.getByLabel("Name").inputValue()).toBe("Ada L.");
  await form.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  expect((await scene.ada.get("/api/v1/me")).body).toMatchObject({ name: "Ada L." });
  await page.getByText("Dark", { exact: true }).click();
  const dark = page.locator('html[data-mantine-color-scheme="dark"]');
  await dark.waitFor({ state: "attached" });
  await page.reload();
  await dark.waitFor({ state: "attached" });
  await page.getByText("As the system", { exact: true }).click();
});

test("a token is shown once, is not kept by the page, and works until it is revoked", async () => {
  const { page } = scene.tab;
  const form = page.getByRole("form", { name: "New API token" });
  await form.getByLabel("Name of the token").fill("CI");
  await form.getByLabel("Works for, days").fill("a week");
  await form.getByRole("button", { name: "Make a token" }).click();
  await form.getByText("a whole number such as").waitFor();
  await form.getByLabel("Works for, days").fill("7");
  await form.getByLabel("It may").selectOption("read");
  await form.getByRole("button", { name: "Make a token" }).click();
  const token = (await page.locator(".once code", { hasText: "wst_" }).textContent()) ?? "";
  expect((await scene.server.withToken(token).get("/api/v1/me")).status).toBe(200);
  await page.reload();
  await page.getByRole("button", { name: "Revoke CI" }).waitFor();
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  expect((await page.content()) + kept).not.toContain(token);
  await page.getByRole("button", { name: "Revoke CI" }).click();
  await page.getByRole("button", { name: "Revoke", exact: true }).click();
  await page.getByText("The token CI works no more.").waitFor();
  expect((await scene.server.withToken(token).get("/api/v1/me")).status).toBe(401);
});

test("a browser is signed out from another one, and a new password signs out all others", async () => {
  const { page } = scene.tab;
  const other = await openPage(scene.browser, scene.server);
  await signIn(other.page);
  await page.reload();
  const browsers = page.getByRole("list", { name: "Browsers that are signed in" }).getByRole("listitem");
  await browsers.filter({ hasText: "this one" }).getByText("Chrome on Linux").waitFor();
  await page.getByRole("button", { name: "Sign out Chrome on Linux" }).first().click();
  await page.getByText("That browser is signed out.").waitFor();
  await other.page.goto("/account");
  await other.page.getByRole("heading", { name: "Sign in to Windshift" }).waitFor();
  await other.context.close();

  await page.getByLabel("Present password").fill("not this one at all");
  await page.getByLabel("New password").fill("another horse battery");
  await page.getByRole("button", { name: "Change the password" }).click();
  const form = page.getByRole("form", { name: "Password" });
  await form.locator("[role=alert], .mantine-InputWrapper-error").first().waitFor();
  await page.getByLabel("Present password").fill("correct horse battery");
  await page.getByRole("button", { name: "Change the password" }).click();
  await page.getByText("Changed. Every other browser is signed out.").waitFor();
  expect(await page.getByLabel("New password").inputValue()).toBe("");
  expect((await scene.ada.get("/api/v1/me")).status).toBe(401);
  const back = { email: "ada@example.test", password: "another horse battery" };
  expect((await scene.ada.post("/api/auth/sign-in/email", back)).status).toBe(200);
});

test("a backup is made, downloaded and deleted", async () => {
  const { page } = scene.tab;
  await page.goto("/admin/backup");
  await page.getByRole("button", { name: "Make a backup now" }).click();
  await page.getByText("Done", { exact: true }).waitFor();
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: /^Download windshift-/ }).click(),
  ]);
  const { backups } = (await scene.ada.get<{ backups: Backup[] }>("/api/v1/admin/backups")).body;
  expect(Bun.file(await file.path()).size).toBe(backups[0]?.bytes ?? 0);
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete the backup" }).click();
  await page.getByText("No backup yet").waitFor();
});

test("no page asks anything of another address or breaks its own rules", () => {
  expect({ foreign: scene.tab.foreign, errors: scene.tab.errors }).toEqual({ foreign: [], errors: [] });
});
