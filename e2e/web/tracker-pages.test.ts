import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { PageDetail } from "@windshift/contract/api/page.ts";
import type { TestClient } from "../../apps/server/src/testing/test-client.ts";
import { create, createItem } from "../../apps/server/src/testing/test-workspace.ts";
import { useScene } from "./web.fixture.ts";

setDefaultTimeout(60_000);

const scene = useScene();
let grace: { id: string; client: TestClient };

beforeAll(async () => {
  await create(scene.ada, "/api/v1/workspaces", { key: "DOCS", name: "Docs" });
  grace = await scene.server.addPerson(scene.ada, "Grace");
  await scene.ada.post("/api/v1/workspaces/DOCS/members", { user_id: grace.id, role: "member" });
});

const writePage = (title: string, body: string, parent_id: number | null = null) =>
  create<PageDetail>(scene.ada, "/api/v1/workspaces/DOCS/pages", { title, body, parent_id });
const readPage = async (id: number) => (await scene.ada.get<PageDetail>(`/api/v1/pages/${id}`)).body;

test("a page is begun, written with a preview and a link to another, and stands in the tree", async () => {
  const { page } = scene.tab;
  const other = await writePage("Releases", "Every Tuesday.");
  await page.goto("/w/DOCS/pages");
  await page.getByRole("button", { name: "New page" }).click();
  await page.getByLabel("Title").fill("Handbook");
  await page.getByRole("button", { name: "Create page" }).click();
  await page.getByRole("heading", { name: "Handbook", level: 1 }).waitFor();
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  const text = page.getByRole("textbox", { name: "Text of the page" });
  await text.fill("How **we** work. See");
  await page.reload();
  expect(await text.inputValue()).toBe("How **we** work. See");
  await page.getByRole("button", { name: "Link to a page" }).click();
  await page.getByRole("option", { name: "Releases" }).click();
  expect(await text.inputValue()).toBe(`How **we** work. See [Releases](/w/DOCS/pages/${other.id})`);
  await page.getByRole("button", { name: "Save page" }).click();
  await page.getByRole("link", { name: "Releases" }).last().click();
  await page.waitForURL(`/w/DOCS/pages/${other.id}`);
  await page.getByText("Every Tuesday.").waitFor();
  await page.getByRole("button", { name: "Move this page under another" }).click();
  await page.getByRole("option", { name: "Handbook" }).click();
  await page.getByRole("button", { name: "Pages under Handbook" }).waitFor();
  expect((await readPage(other.id)).parent_id).not.toBeNull();
});

test("a newer version of somebody else is shown beside the own text", async () => {
  const { page } = scene.tab;
  const { id } = await writePage("Contested", "First");
  await page.goto(`/w/DOCS/pages/${id}`);
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  await page.getByRole("textbox", { name: "Text of the page" }).fill("Mine");
  await grace.client.patch(`/api/v1/pages/${id}`, { body: "Hers", version: 1 });
  await page.getByRole("button", { name: "Save page" }).click();
  const conflict = page.getByRole("alert").filter({ hasText: "Somebody else changed the page" });
  await conflict.getByText(/Hers/).waitFor();
  await conflict.getByText(/Mine/).waitFor();
  // Who comes back to the draft after a reload has hers before them again first.
  await page.reload();
  await page.getByRole("button", { name: "Save page" }).click();
  await conflict.getByText(/Hers/).waitFor();
  await conflict.getByText(/Mine/).waitFor();
  expect((await readPage(id)).body).toBe("Hers");
  await conflict.getByRole("button", { name: "Take theirs, drop mine" }).click();
  await page.getByRole("article").getByText("Hers").waitFor();
});

test("earlier versions are read and made the newest again", async () => {
  const { page } = scene.tab;
  const { id } = await writePage("History", "The first words");
  await scene.ada.patch(`/api/v1/pages/${id}`, { body: "Other words", version: 1 });
  await page.goto(`/w/DOCS/pages/${id}`);
  await page.getByText("Other words").waitFor();
  await page.getByRole("button", { name: "Versions" }).click();
  await page.getByRole("button", { name: "Version 1", exact: true }).click();
  await page.getByText("The first words").waitFor();
  await page.getByRole("button", { name: "Make this the newest version" }).click();
  await page.getByText("Version 1 is the newest again, as version 3.").waitFor();
  expect(await readPage(id)).toMatchObject({ version: 3, body: "The first words" });
});

test("a page is linked to an item, each shows the other, and the link is taken away", async () => {
  const { page } = scene.tab;
  const { id } = await writePage("The plan", "Words");
  const { key } = await createItem(scene.ada, "DOCS", { title: "Do it" });
  await page.goto(`/items/${key}`);
  await page.getByRole("button", { name: "Link a page" }).click();
  await page.getByRole("option", { name: "The plan" }).click();
  await page.getByRole("link", { name: "The plan" }).first().click();
  await page.waitForURL(`/w/DOCS/pages/${id}`);
  await page.getByRole("link", { name: `${key} Do it` }).click();
  await page.getByRole("button", { name: "Take away the link to The plan" }).click();
  await page.getByText("None. Agents read the pages linked here.").waitFor();
});

test("what others do is counted in the menu at once, read in the inbox, and marked", async () => {
  const { page } = scene.tab;
  const { key } = await createItem(scene.ada, "DOCS", { title: "Call me" });
  await page.goto("/inbox");
  await page.getByText("Nothing unread").waitFor();
  await grace.client.post(`/api/v1/items/${key}/comments`, { body: "Dear @ada, look" });
  await grace.client.patch(`/api/v1/items/${key}`, { status: "in_review" });
  await page.getByRole("link", { name: /Inbox.*1 unread/ }).waitFor();
  const line = page.getByRole("link", { name: `Unread: ${key} Call me` });
  await line.click();
  await page.waitForURL(/#comment-\d+$/);
  await page.getByRole("article", { name: "Comment by Grace" }).waitFor();
  await page.getByRole("link", { name: "Inbox", exact: true }).waitFor();
  await grace.client.post(`/api/v1/items/${key}/comments`, { body: "Again" });
  await grace.client.post(`/api/v1/items/${key}/comments`, { body: "And again" });
  await page.goto("/inbox");
  await page.getByRole("button", { name: "Mark all as read" }).click();
  await page.getByText("Nothing unread").waitFor();
  await page.getByText("All", { exact: true }).click();
  await page.getByText(/And again/).waitFor();
  await page.goto(`/items/${key}`);
  await page.getByRole("button", { name: "Unfollow" }).click();
  await page.getByRole("button", { name: "Follow", exact: true }).waitFor();
});

test("the activity of a workspace says who did what", async () => {
  const { page } = scene.tab;
  const { key } = await createItem(scene.ada, "DOCS", { title: "Watch me" });
  await page.goto("/w/DOCS/activity");
  await page
    .getByRole("link", { name: `${key} Watch me` })
    .first()
    .waitFor();
  await grace.client.patch(`/api/v1/items/${key}`, { status: "done", priority: "urgent" });
  await page.getByText("Grace moved this from To do to Done").waitFor();
  await page.getByText("Grace set the priority to Urgent").waitFor();
});

test("no page asks anything of another address or breaks its own rules", () => {
  expect({ foreign: scene.tab.foreign, errors: scene.tab.errors }).toEqual({ foreign: [], errors: [] });
});
