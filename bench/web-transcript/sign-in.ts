import type { Browser, BrowserContextOptions } from "playwright-core";
import { ADMIN } from "../bench-host.ts";
import { openTab } from "./tab.ts";

/** Signs the administrator in through the page. @returns what tabs are opened with so that they are signed in */
export async function signIn(browser: Browser, url: string): Promise<BrowserContextOptions> {
  const { page, close } = await openTab(browser, { baseURL: url });
  await page.goto("/login");
  await page.getByLabel("E-mail").fill(ADMIN.email);
  await page.getByLabel("Password").fill(ADMIN.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL((address) => address.pathname !== "/login");
  const storageState = await page.context().storageState();
  await close();
  return { baseURL: url, storageState };
}
