import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { TestServer } from "../../apps/server/src/testing/test-server.ts";
import { createTestWorkspace, type TestWorkspace } from "../../apps/server/src/testing/test-workspace.ts";
import { launchBrowser, openPage, signIn, startWebServer, type WatchedPage } from "./web.fixture.ts";

setDefaultTimeout(60_000);

let server: TestServer;
let chromium: Awaited<ReturnType<typeof launchBrowser>>;
let workspace: TestWorkspace;
let tab: WatchedPage;
beforeAll(async () => {
  [server, chromium] = await Promise.all([startWebServer(), launchBrowser()]);
  const ada = await server.setUp();
  workspace = await createTestWorkspace(ada, "DEMO");
  await ada.post("/api/v1/workspaces", { key: "NEW", name: "New" });
  tab = await openPage(chromium.browser, server);
  await signIn(tab.page);
});
afterAll(async () => {
  await chromium?.close();
  await server?.close();
});

test("the keyboard reaches every field, link and button of the settings, and each is seen to have it", async () => {
  const { page } = tab;
  for (const path of [
    `/w/DEMO/settings/agents/${workspace.agent.id}`,
    "/w/DEMO/settings/connections",
    "/w/NEW/setup",
    "/account",
  ]) {
    await page.goto(path);
    await page.locator("main h1").waitFor();
    const stops = await page.evaluate(markStops);
    await page.evaluate(() => document.querySelector<HTMLElement>(".skip")?.focus());
    const seen = new Set<string>();
    for (let presses = 0; presses < stops.length + 40; presses++) {
      await page.keyboard.press("Tab");
      const stop = await page.evaluate(lookAtFocus);
      if (stop === undefined) break;
      expect([path, stop.html, stop.shown]).toEqual([path, stop.html, true]);
      if (stop.mark !== undefined) seen.add(stop.mark);
    }
    expect([path, stops.filter((mark) => !seen.has(mark))]).toEqual([path, []]);
  }
  expect({ foreign: tab.foreign, errors: tab.errors }).toEqual({ foreign: [], errors: [] });
});

/** Runs in the page: gives a mark to everything in it that a pointer could use. @returns the marks */
function markStops(): string[] {
  // Colors that fade would look the same at the moment of the comparison.
  const still = new CSSStyleSheet();
  still.replaceSync("*, ::after { transition: none !important; }");
  document.adoptedStyleSheets.push(still);
  const all = document.querySelectorAll<HTMLElement>(
    "main :is(a[href], button:enabled, input:enabled, select, textarea, summary)",
  );
  // Of a group of radio buttons the keyboard stops at one, and moves in it by its arrows.
  const stops = [...all].filter(
    (one) => one.checkVisibility() && !(one.matches("[type=radio]") && !one.matches(":checked")),
  );
  return stops.map((one, at) => {
    one.dataset.stop = `${at} ${one.outerHTML.slice(0, 100)}`;
    return one.dataset.stop;
  });
}

/** Runs in the page: what has the focus, and whether it looks otherwise than without. Undefined past the end. */
function lookAtFocus(): { html: string; shown: boolean; mark: string | undefined } | undefined {
  const one = document.activeElement;
  if (!(one instanceof HTMLElement) || one === document.body) return undefined;
  const look = () =>
    [one, one.parentElement, one.nextElementSibling, ...one.querySelectorAll("*")]
      .flatMap((part) => (part === null ? [] : [getComputedStyle(part), getComputedStyle(part, "::after")]))
      .map((style) => [style.outlineStyle, style.borderColor, style.boxShadow, style.left].join())
      .join(" ");
  const focused = look();
  one.blur();
  const blurred = look();
  one.focus();
  return { html: one.outerHTML.slice(0, 160), shown: focused !== blurred, mark: one.dataset.stop };
}
