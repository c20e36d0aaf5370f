import { expect, setDefaultTimeout, test } from "bun:test";
import type { PageDetail } from "@windshift/contract/api/page.ts";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { Locator } from "playwright-core";
import { create, createItem } from "../../apps/server/src/testing/test-workspace.ts";
import { Finger, middleOf, PHONE } from "./finger.ts";
import { openPage, signIn, useScene } from "./web.fixture.ts";

setDefaultTimeout(60_000);

const scene = useScene();

/** An empty workspace for one test. */
async function workspace(key: string): Promise<string> {
  await create(scene.ada, "/api/v1/workspaces", { key, name: `Team ${key}` });
  await scene.tab.page.goto(`/w/${key}`);
  return key;
}

test("cards are moved by pointer, menu and key, and go back when the server refuses", async () => {
  const { page } = scene.tab;
  const key = await workspace("BORD");
  const { key: item } = await createItem(scene.ada, key, { title: "Move me" });
  await page.goto(`/w/${key}/board`);
  const column = (name: string) => page.getByRole("region", { name, exact: true });
  const stored = async () => (await scene.ada.get<WorkItemDetail>(`/api/v1/items/${item}`)).body.status;
  await page.getByRole("article", { name: item }).dragTo(column("In progress"));
  await column("In progress").getByText("Move me").waitFor();
  await eventually("the server has it", async () => (await stored()) === "in_progress");
  await page.getByRole("button", { name: `Move ${item}` }).click();
  await page.getByRole("menuitemradio", { name: "Done" }).click();
  await column("Done").getByText("Move me").waitFor();
  await eventually("the server has it", async () => (await stored()) === "done");
  await page.getByRole("link", { name: "Move me" }).focus();
  await page.keyboard.press("[");
  await column("In review").getByText("Move me").waitFor();
  await eventually("the server has it", async () => (await stored()) === "in_review");
  await page.getByText(`${item} moved to In review`).waitFor();

  await page.route(`**/api/v1/items/${item}`, (route) =>
    route.request().method() === "PATCH"
      ? route.fulfill({ status: 403, body: JSON.stringify(REFUSAL) })
      : route.continue(),
  );
  await page.getByRole("article", { name: item }).dragTo(column("To do"));
  await page.getByText("you may not do this now").waitFor();
  await column("In review").getByText("Move me").waitFor();
  await page.unroute(`**/api/v1/items/${item}`);
});
const REFUSAL = {
  error: { code: "forbidden", type: "windshift_error", message: "you may not do this now" },
};

/** For what takes a second, on a machine with much else to do, ms. */
const LOADED_MS = 30_000;

test("on a phone a finger that rests on a card carries it to another column; one that does not, scrolls", async () => {
  const key = await workspace("HAND");
  const { key: item } = await createItem(scene.ada, key, { title: "Carry me" });
  const stored = async () => (await scene.ada.get<WorkItemDetail>(`/api/v1/items/${item}`)).body.status;
  const { page, context, errors } = await openPage(scene.browser, scene.server, PHONE);
  await signIn(page);
  await page.goto(`/w/${key}/board`);
  const card = page.getByRole("article", { name: item });
  const board = page.getByRole("region", { name: "Board", exact: true });
  const column = page.getByRole("region", { name: "In progress", exact: true });
  const scrolled = () => board.evaluate((shown) => shown.scrollLeft);
  const finger = await Finger.of(page);

  const touch = async (shown: Locator) => {
    const { x, y } = await middleOf(shown);
    await finger.down(x, y);
    return { x, y };
  };

  await card.waitFor();
  const link = await middleOf(page.getByRole("link", { name: "Carry me" }));
  await page.touchscreen.tap(link.x, link.y);
  await page.waitForURL(`/items/${item}`);
  await page.goto(`/w/${key}/board`);
  await card.waitFor();

  await touch(card);
  await page.getByText(`${item} is lifted`).waitFor();
  await finger.taken();
  await page.getByText(`${item} stays where it was`).waitFor();
  expect([await page.locator(".card-carried").count(), await stored()]).toEqual([0, "todo"]);

  const { y } = await touch(card);
  await page.getByText(`${item} is lifted`).waitFor();
  // At an edge the board scrolls until the column is under the finger.
  await eventually(
    "the column is in sight",
    async () => {
      const at = await middleOf(column);
      const [left, right] = [at.x < 100, at.x > 260];
      await finger.move(left ? 20 : right ? 340 : 180, y);
      return !left && !right;
    },
    LOADED_MS,
  );
  await page.getByText(`${item} is over In progress`).waitFor();
  await finger.up();
  await column.getByText("Carry me").waitFor();
  await page.getByText(`${item} moved to In progress`).waitFor();
  await eventually("the server has it", async () => (await stored()) === "in_progress", LOADED_MS);

  const before = await scrolled();
  await eventually(
    "the board is scrolled",
    async () => {
      const from = await touch(card);
      for (let step = 1; step <= 10; step++) await finger.move(from.x - step * 15, from.y);
      // On a slow machine the finger may have rested before it moved: then it is tried again.
      await finger.taken();
      return (await scrolled()) > before + 50;
    },
    LOADED_MS,
  );
  expect([await page.locator(".card-carried").count(), new URL(page.url()).pathname, await stored()]).toEqual(
    [0, `/w/${key}/board`, "in_progress"],
  );
  expect(errors).toEqual([]);
  await context.close();
}, 120_000);

test("what others change appears in an open list, and a tab that comes back misses nothing", async () => {
  const { page } = scene.tab;
  const key = await workspace("LIVE");
  await page.getByText("No items yet", { exact: true }).waitFor();
  const { key: item } = await createItem(scene.ada, key, { title: "Made elsewhere" });
  await page.getByRole("link", { name: "Made elsewhere" }).waitFor();
  await page.evaluate(setHidden, true);
  await scene.ada.patch(`/api/v1/items/${item}`, { title: "Changed while nobody looked" });
  await page.evaluate(setHidden, false);
  await page.getByRole("link", { name: "Changed while nobody looked" }).waitFor();
});

test("the palette finds by key and by words, and the help lists the keys of the page", async () => {
  const { page } = scene.tab;
  const key = await workspace("FIND");
  await createItem(scene.ada, key, { title: "Needle in the stack" });
  await create(scene.ada, `/api/v1/workspaces/${key}/pages`, { title: "Where needles are", body: "" });
  await page.goto("/w/FIND/board");
  await page.getByText("Needle in the stack").waitFor();
  await page.keyboard.press("Control+k");
  const field = page.getByRole("combobox", { name: "Find or do something" });
  await field.fill("needle");
  await page.getByRole("option", { name: "Where needles are" }).waitFor();
  await page.getByRole("option", { name: "Needle in the stack" }).click();
  await page.waitForURL("/items/FIND-1");
  await page.getByRole("heading", { name: "Needle in the stack" }).waitFor();
  await page.keyboard.press("Control+k");
  await field.fill("find: board");
  await page.keyboard.press("Enter");
  await page.waitForURL("/w/FIND/board");
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await help.getByText("Move the card to the right").waitFor();
  await help.getByRole("switch", { name: "Single keys work" }).uncheck();
  await page.keyboard.press("Escape");
  await help.waitFor({ state: "detached" });
  await page.keyboard.press("c");
  await page.keyboard.press("Control+k");
  await field.waitFor();
  expect(await page.getByRole("dialog", { name: "New work item" }).count()).toBe(0);
  await page.evaluate(() => localStorage.removeItem("shortcuts-off"));
  await page.keyboard.press("Escape");
});

test("a viewer sees a workspace without anything that would change it", async () => {
  const key = await workspace("LOOK");
  await createItem(scene.ada, key, { title: "Look but do not touch", description: "Text" });
  const person = await scene.server.addPerson(scene.ada, "Vera");
  const doc = await create<PageDetail>(scene.ada, `/api/v1/workspaces/${key}/pages`, {
    title: "A page",
    body: "Words",
  });
  await scene.ada.post(`/api/v1/workspaces/${key}/members`, { user_id: person.id, role: "viewer" });
  const { page, context, errors } = await openPage(scene.browser, scene.server);
  await signIn(page, "vera@example.test");
  for (const [path, text] of [
    [`/w/${key}`, "Look but do not touch"],
    [`/w/${key}/board`, "Look but do not touch"],
    [`/items/${key}-1`, "created this"],
    [`/w/${key}/pages/${doc.id}`, "Words"],
  ] as const) {
    await page.goto(path);
    await page.getByRole("main").getByText(text).first().waitFor();
    const shown = (await page.getByRole("main").getByRole("button").allInnerTexts()).join("|");
    expect([path, shown]).toEqual([path, expect.not.stringMatching(/New|Edit|Delete|Move|Add|Comment|Save/)]);
  }
  await page.keyboard.press("c");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").waitFor();
  expect(await page.getByRole("option", { name: "Create a work item" }).count()).toBe(0);
  await page.goto("/w/BORD");
  await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  await page.goto("/items/BORD-1");
  await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  expect(errors).toEqual([]);
  await context.close();
});

test("WB-06 a link from elsewhere opens a page, but not the API behind it", async () => {
  const fromElsewhere = { origin: "", "sec-fetch-site": "cross-site" };
  expect((await scene.ada.get("/items/BORD-1", fromElsewhere)).status).toBe(200);
  expect((await scene.ada.get("/api/v1/items/BORD-1", fromElsewhere)).status).toBe(403);
});

test("who signs out is led to the sign-in from every page, and back to it", async () => {
  const { page, context } = await openPage(scene.browser, scene.server);
  await signIn(page);
  await page.getByRole("button", { name: "Ada" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.waitForURL("/login");
  await page.goto("/w/BORD/board");
  await page.waitForURL(/\/login\?next=/);
  await page.getByLabel("E-mail").fill("ada@example.test");
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL("/w/BORD/board");
  await context.close();
});

test("no page asks anything of another address or breaks its own rules", () => {
  expect({ foreign: scene.tab.foreign, errors: scene.tab.errors }).toEqual({ foreign: [], errors: [] });
});

/** Runs in the page: what a browser does when its tab goes to the background, which headless tabs never do. */
function setHidden(hidden: boolean): void {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}
