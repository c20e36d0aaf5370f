import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Page } from "playwright-core";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, mintToken } from "../testing/test-host.ts";
import type { TestServer } from "../testing/test-server.ts";
import { createTestWorkspace, startLiveRun } from "../testing/test-workspace.ts";
import {
  emit,
  launchBrowser,
  openPage,
  openTestPullRequest,
  signIn,
  startUnpaidRun,
  startWebServer,
} from "./web.fixture.ts";

setDefaultTimeout(60_000);

let server: TestServer;
let chromium: Awaited<ReturnType<typeof launchBrowser>>;
let pages: string[];
let withTools: string;
beforeAll(async () => {
  server = await startWebServer();
  chromium = await launchBrowser();
  const ada = await server.setUp();
  const workspace = await createTestWorkspace(ada, "DEMO");
  const run = await startLiveRun(server, ada, workspace);
  await ada.patch(`/api/v1/items/${run.item.key}`, { description: "w".repeat(400) });
  await ada.post(`/api/v1/items/${run.item.key}/comments`, { body: `${"long".repeat(100)}\n\nand short` });
  await emit(server, run, 1, [
    { type: "lifecycle", data: { phase: "agent" } },
    { type: "content", data: { text: "Words" } },
    { type: "stderr", data: { text: "raw" } },
    { type: "warning", data: { message: "careful" } },
    { type: "tool_start", data: { id: "1", tool: "bash", args: { command: "x ".repeat(200) } } },
    {
      type: "tool_done",
      data: { id: "1", tool: "bash", output: "y".repeat(400), exit_code: 2, duration_ms: 5 },
    },
    { type: "tool_start", data: { id: "2", tool: "bash", args: { command: "make test" } } },
    { type: "tool_output", data: { id: "2", text: `ok: the first case\n${"z".repeat(400)}\n` } },
    { type: "lifecycle", data: { note: "finish", outcome: "completed", summary: "Done." } },
  ]);
  const { url } = await openTestPullRequest(server, workspace, run, {
    title: "A change",
    body: "Why",
    message: "A change",
    files: { "a.txt": `one\n${"z".repeat(300)}\n`, "bin.dat": "\0\x01\x02" },
  });
  const waiting = await startUnpaidRun(server, ada, workspace);
  withTools = `/items/${run.item.key}`;
  const settings = "/workspaces/DEMO";
  // One with a problem, and a price and budgets with some use.
  await ada.post(`/api/v1/connections/${workspace.llm.id}/check`);
  const model = `/api/v1/connections/${workspace.llm.id}/models/${"long-name".repeat(10)}`;
  await ada.send("PUT", model, { input_price: 2_500_000, output_price: 10_000_000 });
  await ada.send("PUT", "/api/v1/workspaces/DEMO/budget", { tokens_max: 50_000, cost_micros_max: 500_000 });
  pages = [
    "/",
    withTools,
    `/items/${waiting.item.key}`,
    url,
    `${settings}/settings`,
    `${settings}/budgets`,
    `${settings}/connections/new/github_app`,
    `${settings}/connections/${workspace.llm.id}`,
    `${settings}/connections/${workspace.git.id}`,
    `${settings}/connections/${workspace.git.id}/repositories`,
    "/admin/runners",
    await poolWithRunner(ada),
  ];
});
afterAll(async () => {
  await chromium?.close();
  await server?.close();
});

/** A pool with long labels, a token and a runner that has an alert. @returns its page */
async function poolWithRunner(ada: TestClient): Promise<string> {
  const labels = ["gpu", `l${"o".repeat(60)}ng`];
  const pool = await createPool(ada, { name: `p${"o".repeat(70)}l`, labels });
  const host = await addHost(server, ada, pool);
  await mintToken(ada, pool);
  Object.assign(host.state, { labels });
  await host.heartbeat();
  await host.restarted().heartbeat();
  await host.heartbeat();
  return `/admin/runners/${pool.id}`;
}

async function eachPage(
  options: { colorScheme?: "light" | "dark"; width?: number },
  look: (page: Page, path: string) => Promise<void>,
): Promise<void> {
  const { colorScheme = "light", width = 1_280 } = options;
  const opened = await openPage(chromium.browser, server, { colorScheme, viewport: { width, height: 800 } });
  await opened.page.goto("/login");
  await look(opened.page, "/login");
  await signIn(opened.page);
  for (const path of pages) {
    await opened.page.goto(path);
    if (path === withTools) await opened.page.locator(".entry.finish").waitFor();
    for (const tool of await opened.page.locator(".entry.tool summary").all()) await tool.click();
    await look(opened.page, path);
  }
  expect(opened.errors).toEqual([]);
  await opened.context.close();
}

test("pages fit a screen of 360 pixels without scrolling sideways", async () => {
  await eachPage({ width: 360 }, async (page, path) => {
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect([path, over]).toEqual([path, 0]);
  });
});

test("text has a contrast of 4.5 to 1 or more, light and dark", async () => {
  for (const colorScheme of ["light", "dark"] as const) {
    await eachPage({ colorScheme }, async (page, path) => {
      expect([colorScheme, path, await page.evaluate(findFaintText)]).toEqual([colorScheme, path, []]);
    });
  }
});

test("every field and button has a name, and the keyboard reaches them all in view of a focus ring", async () => {
  await eachPage({}, async (page, path) => {
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll("input:not([type=hidden]), select, textarea, button, a")]
        .filter(
          (one) => !("labels" in one && (one.labels as NodeList | null)?.length) && !one.textContent?.trim(),
        )
        .filter((one) => !one.getAttribute("aria-label"))
        .map((one) => one.outerHTML),
    );
    expect([path, nameless]).toEqual([path, []]);
    const stops = await page.evaluate(
      () => document.querySelectorAll("main :is(a, button:enabled, select, textarea)").length,
    );
    await page.locator(".skip").focus();
    const seen = new Set<string>();
    for (let presses = 0; presses < stops + 20; presses++) {
      await page.keyboard.press("Tab");
      const stop = await page.evaluate(() => {
        const one = document.activeElement;
        if (one === null || one === document.body) return undefined;
        const ring = [one, ...one.querySelectorAll("*")].some((part) =>
          [getComputedStyle(part), getComputedStyle(part, "::after")].some(
            (style) => style.outlineStyle !== "none",
          ),
        );
        const inMain = one.closest("main") !== null && one.matches("a, button, select, textarea");
        return { ring, id: inMain ? String([...document.querySelectorAll("*")].indexOf(one)) : "" };
      });
      if (stop === undefined) break;
      expect(stop.ring).toBe(true);
      if (stop.id !== "") seen.add(stop.id);
    }
    const hidden = await page.evaluate(
      () =>
        [...document.querySelectorAll("main :is(a, button:enabled, select, textarea)")].filter(
          (one) => !(one as HTMLElement).checkVisibility(),
        ).length,
    );
    expect([path, seen.size]).toEqual([path, stops - hidden]);
  });
});

/** Runs in the page: text whose color is too near to what is behind it. Disabled controls may be faint. */
function findFaintText(): string[] {
  const parse = (color: string) => (color.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = ([r = 0, g = 0, b = 0]: number[]) => {
    const part = (value: number) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const behind = (element: Element | null): number[] => {
    for (let one = element; one !== null; one = one.parentElement) {
      const color = parse(getComputedStyle(one).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const faint = new Set<string>();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    if (element === null || !node.textContent?.trim() || !element.checkVisibility()) continue;
    if (element.closest("script, .hidden, :disabled")) continue;
    const [one, two] = [luminance(parse(getComputedStyle(element).color)), luminance(behind(element))];
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (ratio < 4.5)
      faint.add(`${ratio.toFixed(2)} ${element.className || element.tagName}: ${node.textContent}`);
  }
  return [...faint];
}
