import { expect } from "bun:test";
import type { Page } from "playwright-core";
import { findViolations, LOOKS, sidewaysScroll } from "./web.fixture.ts";

/** Opens each page once and looks at it wide and narrow, light and dark: nothing that axe finds, nothing that sticks out. */
export async function lookAt(page: Page, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await page.goto(path);
    await page.locator("h1").first().waitFor();
    for (const { width, colorScheme } of LOOKS) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      // The scheme reaches the page by a listener of its own.
      await page.locator(`html[data-mantine-color-scheme="${colorScheme}"]`).waitFor({ state: "attached" });
      const found = { violations: await findViolations(page), sideways: await sidewaysScroll(page) };
      expect([path, width, colorScheme, found]).toEqual([
        path,
        width,
        colorScheme,
        { violations: [], sideways: 0 },
      ]);
    }
  }
}
