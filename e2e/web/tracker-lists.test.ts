import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Label } from "@windshift/contract/api/label.ts";
import type { ViewList } from "@windshift/contract/api/view.ts";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { TestClient } from "../../apps/server/src/testing/test-client.ts";
import type { TestServer } from "../../apps/server/src/testing/test-server.ts";
import { create, createItem } from "../../apps/server/src/testing/test-workspace.ts";
import { launchBrowser, openPage, signIn, startWebServer, type WatchedPage } from "./web.fixture.ts";

setDefaultTimeout(60_000);

let server: TestServer;
let chromium: Awaited<ReturnType<typeof launchBrowser>>;
let ada: TestClient;
let tab: WatchedPage;

beforeAll(async () => {
  server = await startWebServer();
  chromium = await launchBrowser();
  ada = await server.setUp();
  tab = await openPage(chromium.browser, server);
  await signIn(tab.page);
});
afterAll(async () => {
  await chromium?.close();
  await server?.close();
});

/** An empty workspace for one test. */
async function workspace(key: string): Promise<string> {
  await create(ada, "/api/v1/workspaces", { key, name: `Team ${key}` });
  await tab.page.goto(`/w/${key}`);
  return key;
}

test("who is in no workspace makes the first one, and is told what its key may be", async () => {
  const { page } = tab;
  await page.getByLabel("Name").fill("Windmills");
  await page.getByLabel("Key").fill("1");
  await page.getByRole("button", { name: "Create workspace" }).click();
  await page.getByText("2 to 10 capital letters or digits, a letter first").waitFor();
  await page.reload();
  expect(await page.getByLabel("Name").inputValue()).toBe("Windmills");
  await page.getByLabel("Key").fill("mill");
  await page.getByRole("button", { name: "Create workspace" }).click();
  await page.waitForURL(/\/w\/MILL\//);
  expect((await ada.get("/api/v1/workspaces/MILL/items")).status).toBe(200);
});

test("the key c makes an item from anywhere, and what was typed outlives a reload", async () => {
  const { page } = tab;
  await workspace("MAKE");
  await page.getByText("No items yet", { exact: true }).waitFor();
  await page.keyboard.press("c");
  const dialog = page.getByRole("dialog", { name: "New work item" });
  await dialog.getByLabel("Title").fill("Sort invoices");
  await dialog.getByRole("textbox", { name: "Description" }).fill("By **date**.");
  await dialog.getByRole("button", { name: "Priority: No priority" }).click();
  await page.getByRole("menuitemradio", { name: "High" }).click();
  await page.reload();
  await page.getByText("No items yet", { exact: true }).waitFor();
  await page.keyboard.press("c");
  expect(await dialog.getByLabel("Title").inputValue()).toBe("Sort invoices");
  await dialog.getByText("Preview", { exact: true }).click();
  expect(await dialog.locator("strong").textContent()).toBe("date");
  await dialog.getByLabel("Title").press("Enter");
  await page.getByRole("link", { name: "Sort invoices" }).waitFor();
  const { body } = await ada.get<WorkItemDetail>("/api/v1/items/MAKE-1");
  expect([body.title, body.description, body.priority]).toEqual(["Sort invoices", "By **date**.", "high"]);
  await page.keyboard.press("c");
  expect(await dialog.getByLabel("Title").inputValue()).toBe("");
  await page.keyboard.press("Escape");
});

test("filters stand in the address, narrow the list, and are kept as a view with a name", async () => {
  const { page } = tab;
  const key = await workspace("FILT");
  const bug = await create<Label>(ada, `/api/v1/workspaces/${key}/labels`, { name: "bug", color: "#d93f0b" });
  await createItem(ada, key, { title: "Broken export", label_ids: [bug.id], status: "in_progress" });
  await createItem(ada, key, { title: "Broken import", label_ids: [bug.id] });
  await createItem(ada, key, { title: "New colours", status: "in_progress" });
  await page.goto(`/w/${key}`);
  await page.getByRole("button", { name: "Label", exact: true }).click();
  await page.getByRole("option", { name: "bug" }).click();
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "New colours" }).waitFor({ state: "detached" });
  await page.getByLabel("Search", { exact: true }).last().fill("EXPORT");
  await page.getByRole("link", { name: "Broken import" }).waitFor({ state: "detached" });
  await page.waitForURL((url) => url.search === `?label=${bug.id}&q=EXPORT`);
  await page.reload();
  await page.getByRole("link", { name: "Broken export" }).waitFor();
  expect(await page.locator(".item-row").count()).toBe(1);
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("menuitem", { name: "Save this view" }).click();
  await page.getByLabel("Name").fill("Export bugs");
  await page.getByRole("button", { name: "Save view" }).click();
  await page.getByText("The view Export bugs was saved.").waitFor();
  await page.getByRole("button", { name: "Clear" }).click();
  await page.getByRole("link", { name: "New colours" }).waitFor();
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("menuitem", { name: "Export bugs" }).click();
  await page.waitForURL((url) => url.searchParams.get("q") === "EXPORT");
  await page.getByRole("button", { name: "Priority", exact: true }).click();
  await page.getByRole("option", { name: "No priority" }).click();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("menuitem", { name: "Save this view" }).click();
  await page.getByLabel("Name").fill("export bugs");
  await page.getByText("There is one of this name; it is replaced.").waitFor();
  await page.getByRole("button", { name: "Replace view" }).click();
  await page.getByText("The view export bugs was saved.", { exact: true }).waitFor();
  const { body } = await ada.get<ViewList>(`/api/v1/workspaces/${key}/views`);
  expect(body.views.map(({ name, query }) => [name, query.priority])).toEqual([["export bugs", ["none"]]]);
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("menuitem", { name: "Change views" }).click();
  const view = page.getByRole("form", { name: "View export bugs" });
  await view.getByLabel("Name").fill("Exports");
  await view.getByRole("button", { name: "Rename" }).click();
  await page.getByText("The view is called Exports now.").waitFor();
  const renamed = page.getByRole("form", { name: "View Exports" });
  await renamed.getByLabel("Everybody in the workspace sees it").check();
  await page.getByText("Everybody sees Exports now.").waitFor();
  await renamed.getByRole("button", { name: "Show what is shown now" }).click();
  await page.getByText("The view Exports shows what is shown now.").waitFor();
  const changed = (await ada.get<ViewList>(`/api/v1/workspaces/${key}/views`)).body.views;
  expect(changed.map(({ name, shared, layout }) => [name, shared, layout])).toEqual([
    ["Exports", true, "list"],
  ]);
  await renamed.getByRole("button", { name: "Delete…" }).click();
  await renamed.getByRole("button", { name: "Delete it for everybody" }).click();
  await page.getByText("You have no saved views.").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "New colours" }).waitFor({ state: "detached" });
});

test("the keyboard walks the list, opens an item, and changes several at once", async () => {
  const { page } = tab;
  const key = await workspace("KEYS");
  for (const title of ["First", "Second", "Third"]) await createItem(ada, key, { title });
  await page.getByRole("link", { name: "Third" }).waitFor();
  const focused = () => page.evaluate(() => document.activeElement?.textContent);
  // Keys are listened to a moment after the list is there.
  await eventually("the first item has the focus", async () => {
    if (await page.evaluate(() => document.activeElement?.closest(".item-row") === null))
      await page.keyboard.press("j");
    return (await focused()) === "Third";
  });
  await page.keyboard.press("x");
  await page.keyboard.press("j");
  await eventually("the next item has the focus", async () => (await focused()) === "Second");
  await page.keyboard.press("x");
  await page.getByText("2 picked").waitFor();
  await page.getByRole("button", { name: "Set status" }).click();
  await page.getByRole("option", { name: "In review" }).click();
  await page.getByText("2 items were changed.").waitFor();
  const { body } = await ada.get<{ items: WorkItemDetail[] }>(`/api/v1/workspaces/${key}/items`);
  expect(body.items.map(({ status }) => status)).toEqual(["in_review", "in_review", "todo"]);
  await page.getByRole("link", { name: "First" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(`/items/${key}-1`);
});

test("a long list holds only what is in sight, and every item is reached", async () => {
  const { page } = tab;
  const key = await workspace("LONG");
  for (let at = 0; at < 9; at++)
    await Promise.all(
      Array.from({ length: 10 }, (_, one) => createItem(ada, key, { title: `Row ${at * 10 + one}` })),
    );
  await page.goto(`/w/${key}?group=none`);
  await page.locator(".item-row").first().waitFor();
  const oldest = page.locator(`[data-item="${key}-1"]`);
  await eventually("the oldest item is there", async () => {
    await page.mouse.wheel(0, 4_000);
    return (await oldest.count()) === 1;
  });
  expect(await page.locator(".item-row").count()).toBeLessThan(60);
});

test("no page asks anything of another address or breaks its own rules", () => {
  expect({ foreign: tab.foreign, errors: tab.errors }).toEqual({ foreign: [], errors: [] });
});
