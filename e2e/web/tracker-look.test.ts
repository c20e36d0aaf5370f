import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Label } from "@windshift/contract/api/label.ts";
import type { PageDetail } from "@windshift/contract/api/page.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { Locator } from "playwright-core";
import { create, createItem, createTestWorkspace } from "../../apps/server/src/testing/test-workspace.ts";
import { lookAt } from "./page-looks.ts";
import { findViolations, sidewaysScroll, useScene } from "./web.fixture.ts";

/** Four looks at four pages, on a machine that does other things as well, ms. */
setDefaultTimeout(120_000);

const SETTLED_MS_MAX = 20_000;
const scene = useScene();
let item: string;
let doc: number;

const LONG = `${"long".repeat(60)} and short`;

beforeAll(async () => {
  const { ada } = scene;
  const { agent } = await createTestWorkspace(ada, "DEMO");
  const label = await create<Label>(ada, "/api/v1/workspaces/DEMO/labels", {
    name: "l".repeat(40),
    color: "#ffff00",
  });
  const parent = await createItem(ada, "DEMO", {
    title: `Sort invoices ${LONG}`,
    description: `# Why\n\n${LONG}\n\n- [x] done\n\n| a | b |\n| - | - |\n| ${LONG} | 2 |\n\n\`\`\`\n${"z".repeat(300)}\n\`\`\``,
    label_ids: [label.id],
    priority: "urgent",
  });
  item = parent.key;
  for (const status of ["todo", "in_progress", "in_review", "done"])
    await createItem(ada, "DEMO", { title: `In ${status}`, status, parent_key: item, label_ids: [label.id] });
  const page = { title: `The plan ${LONG}`, body: `## Steps\n\n1. ${LONG}\n2. \`code\`` };
  doc = (await create<PageDetail>(ada, "/api/v1/workspaces/DEMO/pages", page)).id;
  await create(ada, "/api/v1/workspaces/DEMO/pages", { title: "Under it", body: "Text", parent_id: doc });
  await ada.send("PUT", `/api/v1/items/${item}/pages/${doc}`, {});
  const grace = await scene.server.addPerson(ada, "Grace");
  await ada.post("/api/v1/workspaces/DEMO/members", { user_id: grace.id, role: "member" });
  await grace.client.post(`/api/v1/items/${item}/comments`, { body: `@ada ${LONG}` });
  await ada.patch(`/api/v1/items/${item}`, { assignee_id: agent.id });
});

test("lists, board and inbox have no fault for axe and fit 360 pixels, light and dark", async () => {
  await lookAt(scene.tab.page, ["/", "/w/DEMO", "/w/DEMO/board", "/inbox"]);
});

test("items, pages and activity have no fault for axe and fit 360 pixels, light and dark", async () => {
  await lookAt(scene.tab.page, [
    `/items/${item}`,
    "/w/DEMO/pages",
    `/w/DEMO/pages/${doc}`,
    "/w/DEMO/activity",
  ]);
});

/** Looks at what has been opened over a page, wide and narrow. */
async function lookAtOpen(what: string, open: Locator, within?: string): Promise<void> {
  const { page } = scene.tab;
  await open.first().waitFor();
  for (const width of [1_280, 360]) {
    await page.setViewportSize({ width, height: 800 });
    // What has just opened is put in its place a moment later.
    const fits = async () => (await sidewaysScroll(page)) === 0;
    await eventually(`${what} fits ${width} pixels`, fits, SETTLED_MS_MAX);
    expect([what, width, await findViolations(page, within)]).toEqual([what, width, []]);
  }
  await page.setViewportSize({ width: 1_280, height: 800 });
}

test("dialogs and menus over a list have no fault for axe and fit 360 pixels", async () => {
  const { page } = scene.tab;
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1_280, height: 800 });
  await page.goto("/w/DEMO");
  await page.locator(".item-row").first().waitFor();
  await page.keyboard.press("c");
  await lookAtOpen("new item", page.getByRole("dialog"));
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("?");
  await lookAtOpen("keys", page.getByRole("dialog"));
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("Control+k");
  await lookAtOpen("palette", page.getByRole("option"));
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Assignee", exact: true }).click();
  // It covers other filters; they cannot be reached before it is closed.
  await lookAtOpen("filter", page.getByRole("option"), "[role=dialog]");
  await page.keyboard.press("Escape");
  await page
    .getByLabel(/^Pick DEMO-/)
    .first()
    .check();
  await lookAtOpen("picked", page.getByText("1 picked"));
});

test("editors and what they open have no fault for axe and fit 360 pixels", async () => {
  const { page } = scene.tab;
  await page.goto(`/items/${item}`);
  await page.getByRole("button", { name: "Edit title" }).click();
  await page.getByRole("button", { name: "Edit description" }).click();
  await lookAtOpen("item editors", page.getByRole("textbox", { name: "Description" }));
  await page.getByRole("button", { name: /^Assignee:/ }).click();
  await page.getByRole("option", { name: /Agent DEMO/ }).click();
  await lookAtOpen("assign", page.getByRole("dialog"));
  await page.keyboard.press("Escape");

  await page.goto(`/w/DEMO/pages/${doc}`);
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  await page.getByRole("button", { name: "Versions" }).click();
  await lookAtOpen("versions", page.getByRole("button", { name: "Version 1" }));
});

test("the keyboard reaches everything on a board in view of a focus ring", async () => {
  const { page } = scene.tab;
  await page.setViewportSize({ width: 1_280, height: 800 });
  await page.goto("/w/DEMO/board");
  await page.locator(".card").first().waitFor();
  // Columns come each with an answer of its own.
  const come = page.locator(".board-column:has(.card, .board-empty)");
  const all = async () => (await come.count()) === (await page.locator(".board-column").count());
  await eventually("each column has come", all, SETTLED_MS_MAX);
  await page.evaluate(() => document.querySelector<HTMLElement>(".skip")?.focus());
  const stops = await page.locator("main :is(a, button, input):visible").count();
  const seen = new Set<number>();
  for (let presses = 0; presses < stops + 30; presses++) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const one = document.activeElement;
      if (one === null || one === document.body) return undefined;
      const ring = [one, one.parentElement, ...one.querySelectorAll("*")].some(
        (part) =>
          part !== null &&
          [getComputedStyle(part), getComputedStyle(part, "::after")].some(
            (style) => style.outlineStyle !== "none" || one.matches("input"),
          ),
      );
      const within = one.closest("main") !== null && one.matches("a, button, input");
      return {
        ring,
        at: within ? [...document.querySelectorAll("*")].indexOf(one) : -1,
        html: one.outerHTML,
      };
    });
    if (stop === undefined) break;
    expect([stop.html.slice(0, 120), stop.ring]).toEqual([stop.html.slice(0, 120), true]);
    if (stop.at >= 0) seen.add(stop.at);
  }
  expect(seen.size).toBe(stops);
  expect({ foreign: scene.tab.foreign, errors: scene.tab.errors }).toEqual({ foreign: [], errors: [] });
});
