import { expect, setDefaultTimeout, test } from "bun:test";
import type { Comment } from "@windshift/contract/api/comment.ts";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { TestClient } from "../../apps/server/src/testing/test-client.ts";
import { create, createItem } from "../../apps/server/src/testing/test-workspace.ts";
import { useScene } from "./web.fixture.ts";

setDefaultTimeout(60_000);

const scene = useScene({ workspace: "DEMO" });

async function openItem(item: object): Promise<string> {
  const { key } = await createItem(scene.ada, "DEMO", item);
  await scene.tab.page.goto(`/items/${key}`);
  await scene.tab.page.getByText("created this").waitFor();
  return key;
}

const read = async (key: string) => (await scene.ada.get<WorkItemDetail>(`/api/v1/items/${key}`)).body;

test("title and description are changed in place, and a draft outlives a reload", async () => {
  const { page } = scene.tab;
  const key = await openItem({ title: "Old title" });
  await page.getByRole("button", { name: "Edit title" }).click();
  await page.getByLabel("Title", { exact: true }).fill("New title");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "New title", level: 1 }).waitFor();
  await page.getByRole("button", { name: "Add a description" }).click();
  await page.getByRole("textbox", { name: "Description" }).fill("## Why\n\n- [x] because");
  await page.reload();
  const field = page.getByRole("textbox", { name: "Description" });
  expect(await field.inputValue()).toBe("## Why\n\n- [x] because");
  await page.getByText("Preview", { exact: true }).first().click();
  await page.getByRole("heading", { name: "Why" }).waitFor();
  await page.getByRole("button", { name: "Save description" }).click();
  await page.getByRole("button", { name: "Edit description" }).waitFor();
  expect(await read(key)).toMatchObject({ title: "New title", description: "## Why\n\n- [x] because" });
});

test("what somebody else wrote meanwhile is shown beside the own text, and neither is lost", async () => {
  const { page } = scene.tab;
  const key = await openItem({ title: "Contested", description: "First" });
  await page.getByRole("button", { name: "Edit description" }).click();
  await page.getByRole("textbox", { name: "Description" }).fill("Mine");
  await scene.ada.patch(`/api/v1/items/${key}`, { description: "Theirs" });
  await page.getByRole("button", { name: "Save description" }).click();
  const conflict = page.getByRole("alert").filter({ hasText: "Somebody else changed the description" });
  await conflict.getByText("Theirs", { exact: true }).waitFor();
  await conflict.getByText("Mine", { exact: true }).waitFor();
  expect((await read(key)).description).toBe("Theirs");
  // What nobody has seen yet is shown before it is replaced, also by the button that replaces.
  await scene.ada.patch(`/api/v1/items/${key}`, { description: "Theirs, newer" });
  await conflict.getByRole("button", { name: "Save mine in its place" }).click();
  await conflict.getByText("Theirs, newer", { exact: true }).waitFor();
  expect((await read(key)).description).toBe("Theirs, newer");
  await conflict.getByRole("button", { name: "Save mine in its place" }).click();
  await conflict.waitFor({ state: "detached" });
  expect((await read(key)).description).toBe("Mine");

  await page.getByRole("button", { name: "Edit description" }).click();
  const field = page.getByRole("textbox", { name: "Description" });
  await field.fill("Mine again");
  await scene.ada.patch(`/api/v1/items/${key}`, { description: "Theirs again" });
  await page.getByRole("button", { name: "Save description" }).click();
  await conflict.getByText("Theirs again", { exact: true }).waitFor();
  // The key that begins to edit takes nothing back of what was begun.
  await page.getByRole("button", { name: "Save description" }).focus();
  await page.keyboard.press("e");
  expect(await field.inputValue()).toBe("Mine again");
  // Who comes back to the draft after a reload has their text before them again first.
  await page.reload();
  await page.getByRole("button", { name: "Save description" }).click();
  await conflict.getByText("Theirs again", { exact: true }).waitFor();
  expect([await field.inputValue(), (await read(key)).description]).toEqual(["Mine again", "Theirs again"]);
  await field.fill("Both of them");
  await page.getByRole("button", { name: "Save description" }).click();
  await field.waitFor({ state: "detached" });
  expect((await read(key)).description).toBe("Both of them");
});

test("labels that are picked faster than the server answers are all there", async () => {
  const { page } = scene.tab;
  for (const name of ["one", "two", "three"])
    await create(scene.ada, "/api/v1/workspaces/DEMO/labels", { name, color: "#d93f0b" });
  const key = await openItem({ title: "Many labels" });
  const slow = new Map<string, () => void>();
  await page.route(`**/api/v1/items/${key}`, async (route) => {
    if (route.request().method() === "PATCH")
      await new Promise<void>((go) => slow.set(route.request().postData() ?? "", go));
    await route.continue();
  });
  await page.getByRole("button", { name: "Labels: None" }).click();
  for (const name of ["one", "two", "three"]) await page.getByRole("option", { name }).click();
  // Each leaves only after the one before was answered, so the last word is the last one said.
  for (let sent = 1; sent <= 3; sent++) {
    await eventually("the next change is on its way", () => slow.size === sent);
    [...slow.values()].at(-1)?.();
  }
  await eventually("the server has all three", async () => (await read(key)).labels.length === 3);
  await page.unroute(`**/api/v1/items/${key}`);
  await page.keyboard.press("Escape");
});

test("status, priority, labels, parent and sub-items are set beside the text", async () => {
  const { page } = scene.tab;
  await create(scene.ada, "/api/v1/workspaces/DEMO/labels", { name: "bug", color: "#d93f0b" });
  const goal = await createItem(scene.ada, "DEMO", { title: "The goal" });
  const key = await openItem({ title: "A step" });
  await page.keyboard.press("s");
  await page.getByRole("menuitemradio", { name: "In progress" }).click();
  await page.getByRole("button", { name: "Status: In progress" }).waitFor();
  await page.getByRole("button", { name: "Labels: None" }).click();
  await page.getByRole("option", { name: "bug" }).click();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Parent: none" }).click();
  await page.getByLabel("Search: Parent: none").fill("goal");
  await page.getByRole("option", { name: "The goal" }).click();
  await page.getByRole("link", { name: `${goal.key} The goal` }).waitFor();
  await eventually("the server has all of it", async () => {
    const { status, labels, parent } = await read(key);
    return status === "in_progress" && labels[0]?.name === "bug" && parent?.key === goal.key;
  });
  await page.goto(`/items/${goal.key}`);
  await page.getByText("0 of 1 done").first().waitFor();
  await page.getByRole("button", { name: "Add sub-item" }).click();
  const dialog = page.getByRole("dialog", { name: `New sub-item of ${goal.key}` });
  await dialog.getByLabel("Title").fill("Another step");
  await dialog.getByRole("button", { name: "Create item" }).click();
  await page.getByText("0 of 2 done").first().waitFor();
});

test("an agent is assigned with an instruction, a model and a branch, and the run begins", async () => {
  const { page } = scene.tab;
  const key = await openItem({ title: "Agent's work" });
  await page.getByRole("button", { name: "Assignee: nobody" }).click();
  await page.getByRole("option", { name: /Agent DEMO.*Offline/s }).click();
  const dialog = page.getByRole("dialog", { name: `Assign ${key} to Agent DEMO` });
  await dialog.getByRole("textbox", { name: "Instruction for this run" }).fill("Only the tests.");
  await dialog.getByLabel("Base branch").fill("no-such-branch");
  await dialog.getByRole("button", { name: "Assign and start" }).click();
  await dialog.getByText(/no-such-branch/).waitFor();
  expect((await read(key)).assignee).toBeNull();
  await page.reload();
  await page.getByRole("button", { name: "Assignee: nobody" }).click();
  await page.getByRole("option", { name: /Agent DEMO/ }).click();
  expect(await dialog.getByRole("textbox", { name: "Instruction for this run" }).inputValue()).toBe(
    "Only the tests.",
  );
  await dialog.getByLabel("Base branch").fill("main");
  await dialog.getByRole("button", { name: "Assign and start" }).click();
  await page.getByText(`Agent DEMO is set to work on ${key}.`).waitFor();
  await page.getByRole("button", { name: "Assignee: Agent DEMO" }).waitFor();
  await page.getByText("Queued").first().waitFor();
  const { active_run: run, assignee } = await read(key);
  expect([run?.status, assignee?.id]).toEqual(["queued", scene.workspace.agent.id]);
});

test("comments complete names, are changed and deleted by who wrote them, and keep what was refused", async () => {
  const { page } = scene.tab;
  const key = await openItem({ title: "Talk about me" });
  const field = page.getByRole("textbox", { name: "Add a comment" });
  await field.pressSequentially("Look @ad");
  await page.getByRole("option", { name: /Ada/ }).waitFor();
  await page.keyboard.press("Enter");
  await field.pressSequentially("please, <b>now</b>");
  expect(await field.inputValue()).toBe("Look @ada please, <b>now</b>");
  await page.keyboard.press("Control+Enter");
  const comment = page.getByRole("article", { name: "Comment by Ada" });
  await comment.getByText("Look @ada please, <b>now</b>").waitFor();
  expect(await field.inputValue()).toBe("");
  await field.fill("   ");
  await page.getByRole("button", { name: "Comment", exact: true }).click();
  await page.getByText("a comment needs some text").waitFor();
  expect([await field.inputValue(), await field.getAttribute("aria-invalid")]).toEqual(["   ", "true"]);
  await page.getByRole("button", { name: "Change the comment by Ada" }).click();
  await page.getByRole("menuitem", { name: "Edit" }).click();
  await page.getByRole("textbox", { name: "Edit comment" }).fill("Calmer");
  await page.getByRole("button", { name: "Save comment" }).click();
  await comment.getByText("Calmer").waitFor();
  await comment.getByText(/edited/).waitFor();
  await page.getByRole("button", { name: "Change the comment by Ada" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete comment" }).click();
  await comment.waitFor({ state: "detached" });
  const { body } = await scene.ada.get<{ comments: Comment[] }>(`/api/v1/items/${key}/comments`);
  expect(body.comments).toEqual([]);
});

test("what is typed while a comment is on its way stays, and is not read by who signs in next", async () => {
  const { page, context } = scene.tab;
  const beIn = async (client: TestClient) => {
    await context.clearCookies();
    const pairs = client.cookieHeader().split("; ");
    const at = (pair: string) => pair.indexOf("=");
    await context.addCookies(
      pairs.map((pair) => ({
        name: pair.slice(0, at(pair)),
        value: pair.slice(at(pair) + 1),
        url: scene.server.url,
      })),
    );
  };
  const open = async (client: TestClient) => {
    await beIn(client);
    await page.goto(`/items/${key}`);
    await page.getByText("created this").waitFor();
  };
  const key = await openItem({ title: "Shared screen" });
  const field = page.getByRole("textbox", { name: "Add a comment" });
  let asked = Promise.withResolvers<void>();
  let answer = Promise.withResolvers<void>();
  await page.route(`**/api/v1/items/${key}/comments`, async (route) => {
    asked.resolve();
    await answer.promise;
    await route.continue();
  });
  await field.fill("The first.");
  await page.keyboard.press("Control+Enter");
  await asked.promise;
  await field.press("End");
  await field.pressSequentially(" The second");
  answer.resolve();
  await page.getByRole("article", { name: "Comment by Ada" }).getByText("The first.").waitFor();
  await eventually("only the rest is left", async () => (await field.inputValue()) === "The second");

  // What was begun anew meanwhile stays whole.
  asked = Promise.withResolvers<void>();
  answer = Promise.withResolvers<void>();
  await page.keyboard.press("Control+Enter");
  await asked.promise;
  await field.fill("And a third");
  answer.resolve();
  await page.getByRole("article", { name: "Comment by Ada" }).getByText("The second").waitFor();
  expect(await field.inputValue()).toBe("And a third");

  const next = await scene.server.addPerson(scene.ada, "Next");
  await scene.ada.post("/api/v1/workspaces/DEMO/members", { user_id: next.id, role: "member" });
  await open(next.client);
  expect(await field.inputValue()).toBe("");
  await open(scene.ada);
  expect(await field.inputValue()).toBe("And a third");

  // A session that ends while one writes costs nothing: one signs in elsewhere and sends again.
  await context.clearCookies();
  await page.getByRole("button", { name: "Comment", exact: true }).click();
  await page.getByText("your session has ended: sign in").waitFor();
  expect(await field.inputValue()).toBe("And a third");
  await beIn(scene.ada);
  await page.getByRole("button", { name: "Comment", exact: true }).click();
  await page.getByRole("article", { name: "Comment by Ada" }).getByText("And a third").waitFor();
}, 120_000);

test("a lost connection shows and heals, and what was typed meanwhile is still there", async () => {
  const { page, context } = scene.tab;
  const key = await openItem({ title: "Far away" });
  const field = page.getByRole("textbox", { name: "Add a comment" });
  await field.fill("While the server is away");
  await context.setOffline(true);
  await page.getByRole("button", { name: "Comment", exact: true }).click();
  await page.getByText("The server does not answer. What you typed is kept").waitFor();
  await page.getByText("What you see may be old").waitFor();
  await context.setOffline(false);
  await page.getByText("What you see may be old").waitFor({ state: "detached" });
  await scene.ada.patch(`/api/v1/items/${key}`, { title: "Back again" });
  await page.getByRole("heading", { name: "Back again" }).waitFor();
  expect(await field.inputValue()).toBe("While the server is away");
  await page.getByRole("button", { name: "Comment", exact: true }).click();
  await page.getByRole("article").getByText("While the server is away").waitFor();
  scene.tab.errors.splice(0); // the browser's own notes of the failed requests
});

test("what others say appears in an open item", async () => {
  const { page } = scene.tab;
  const key = await openItem({ title: "Open here" });
  await scene.ada.post(`/api/v1/items/${key}/comments`, { body: "Said elsewhere" });
  await page.getByText("Said elsewhere").waitFor();
});

test("what an item's page shows is read before it is drawn, also when its link was pointed at", async () => {
  const { page } = scene.tab;
  const { key } = await createItem(scene.ada, "DEMO", { title: "Pointed at" });
  await page.goto("/w/DEMO");
  const asked: string[] = [];
  page.on("request", (request) => {
    if (request.url().includes(`/items/${key}`)) asked.push(request.url());
  });
  const answer = Promise.withResolvers<void>();
  await page.route(`**/api/v1/items/${key}`, async (route) => {
    await answer.promise;
    await route.continue();
  });
  const link = page.getByRole("link", { name: "Pointed at" });
  await link.hover();
  // A finger is not waited for as a pointer is, which may only pass.
  await link.dispatchEvent("touchstart");
  expect(asked).toEqual([]);
  // Whatever the page itself asks for waits for the item.
  await Promise.all([page.waitForRequest(`**/api/v1/items/${key}/comments?*`), link.click()]);
  answer.resolve();
  await page.getByRole("heading", { name: "Pointed at", level: 1 }).waitFor();
  await page.unroute(`**/api/v1/items/${key}`);
});

test("an item is deleted after a question, and is then a page that is not there", async () => {
  const { page } = scene.tab;
  const key = await openItem({ title: "Gone soon" });
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("button", { name: "Delete item" }).click();
  await page.getByText(`${key} was deleted.`).waitFor();
  await page.goto(`/items/${key}`);
  await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  await eventually(
    "the tab says so too",
    async () => (await page.title()).startsWith("There is nothing here"),
    30_000,
  );
  for (const path of ["/items/nonsense", "/w/NONE", "/w/DEMO/pages/999", "/w/DEMO/pages/x"]) {
    await page.goto(path);
    await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  }
});

test("no page asks anything of another address or breaks its own rules", () => {
  expect({ foreign: scene.tab.foreign, errors: scene.tab.errors }).toEqual({ foreign: [], errors: [] });
});

test("who opens an item by its address sees its head first and its story after, who comes back sees both at once", async () => {
  const { page, context } = scene.tab;
  const key = await openItem({ title: "Long told" });
  const other = await context.newPage();
  // Notes, when the head of the item comes into the page, whether its story comes with it.
  await other.addInitScript(() => {
    new MutationObserver((_changes, observer) => {
      if (document.querySelector(".item-title h1") === null) return;
      observer.disconnect();
      Object.assign(window, { toldAtOnce: document.querySelector(".story") !== null });
    }).observe(document, { childList: true, subtree: true });
  });
  const toldAtOnce = async () => {
    await other.getByText("created this").waitFor();
    return await other.evaluate<boolean>("window.toldAtOnce");
  };
  await other.goto(`/items/${key}`);
  expect(await toldAtOnce()).toBe(false);
  await other.reload();
  expect(await toldAtOnce()).toBe(true);
  await other.goto(`/items/${key}#comment-1`);
  expect(await toldAtOnce()).toBe(true);
  // Within the app, back to where somebody may have scrolled down.
  await other.goto("/w/DEMO");
  await other.evaluate(`new MutationObserver((_changes, observer) => {
    if (document.querySelector(".item-title h1") === null) return;
    observer.disconnect();
    window.toldAtOnce = document.querySelector(".story") !== null;
  }).observe(document, { childList: true, subtree: true })`);
  await other.getByRole("link", { name: "Long told" }).click();
  expect(await toldAtOnce()).toBe(true);
  await other.close();
  await page.bringToFront();
});

test("comments that cannot be read are not taken for none, and are asked for again", async () => {
  const { page } = scene.tab;
  const { key } = await createItem(scene.ada, "DEMO", { title: "Spoken of" });
  const reads = new RegExp(`/api/v1/items/${key}/comments`);
  const refusal = { code: "rate_limited", message: "ask later", type: "windshift_error" };
  await page.route(reads, (route) => route.fulfill({ status: 429, json: { error: refusal } }));
  await page.goto(`/items/${key}`);
  await page.getByRole("alert").getByText("Comments could not be read: ask later").waitFor();
  await page.getByText("created this").waitFor();
  await page
    .getByRole("radiogroup", { name: "What is shown" })
    .getByText("Comments", { exact: true })
    .click();
  expect(await page.getByText("No comments yet.").count()).toBe(0);
  await page.unroute(reads);
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("No comments yet.").waitFor();
  expect(await page.getByText("could not be read").count()).toBe(0);
});

test("Escape leaves a title as it was, and drops none that was changed", async () => {
  const { page } = scene.tab;
  await openItem({ title: "Typed over" });
  const field = page.getByLabel("Title", { exact: true });
  await page.getByRole("button", { name: "Edit title" }).click();
  await field.press("Escape");
  await page.getByRole("heading", { name: "Typed over", level: 1 }).waitFor();
  await page.getByRole("button", { name: "Edit title" }).click();
  await field.fill("Typed over at length");
  await field.press("Escape");
  expect(await field.inputValue()).toBe("Typed over at length");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Edit title" }).waitFor();
});
