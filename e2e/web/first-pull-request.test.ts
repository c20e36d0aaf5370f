import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { ModelScript } from "@windshift/testing/model-script.ts";
import { type ScriptedModel, startScriptedModel } from "@windshift/testing/scripted-model.ts";
import { type EmptyProduct, startEmptyProduct } from "../product.ts";
import { findViolations, launchBrowser, openPage, type WatchedPage } from "./web.fixture.ts";

/** A run of the agent image ends well within this, ms, on a loaded machine of two cores. */
const RUN_MS_MAX = 90_000;
setDefaultTimeout(RUN_MS_MAX + 30_000);

const KEY = "provider-key-of-the-first-run-0123456789";
const README = "# shop\n\nSells tea. Built with make, tested with make test.\n";
/** How long the model thinks once it is watched, ms: the page shows what it said before. */
const THOUGHT_MS = 6_000;
const SCRIPT: ModelScript = [
  {
    content: "I look at what is there first.",
    tool_calls: [{ name: "bash", args: { command: "cat README.md" } }],
  },
  {
    content: "Now I write down what it is for.",
    tool_calls: [{ name: "write_file", args: { path: "README.md", content: README } }],
  },
  {
    tool_calls: [
      { name: "bash", args: { command: "git commit --quiet --all --message 'Say what the shop is for'" } },
    ],
  },
  {
    tool_calls: [
      { name: "finish", args: { outcome: "completed", summary: "The README says what the shop is for." } },
    ],
  },
];

let product: EmptyProduct;
let model: ScriptedModel;
let chromium: Awaited<ReturnType<typeof launchBrowser>>;
let tab: WatchedPage;
/** Path of the item that the guide makes. */
let item: string;

beforeAll(async () => {
  [product, model, chromium] = await Promise.all([
    startEmptyProduct("first-pull-request"),
    startScriptedModel({ script: SCRIPT, apiKey: KEY }),
    launchBrowser(),
  ]);
  tab = await openPage(chromium.browser, product.server);
}, 120_000);
afterAll(async () => {
  await chromium?.close();
  await product?.stop();
  await model?.stop();
}, 60_000);

test("a newcomer makes the first administrator and the first workspace of an empty server", async () => {
  const { page } = tab;
  await page.goto("/");
  await page.getByRole("heading", { name: "Set up Windshift" }).waitFor();
  await page.getByLabel("Name").fill("Ada");
  await page.getByLabel("E-mail").fill("ada@example.test");
  await page.getByLabel("Password").fill("correct horse battery staple");
  await page.getByRole("button", { name: "Create administrator" }).click();
  await page.getByRole("heading", { name: "Make a workspace" }).waitFor();
  await page.getByLabel("Name").fill("Shop");
  await page.getByRole("button", { name: "Create workspace" }).click();
  await page.getByRole("heading", { name: "Set up your first agent" }).waitFor();
});

/** A step of the guide, by its number. */
const step = (number: number) =>
  tab.page.getByRole("listitem").filter({ has: tab.page.getByRole("heading", { name: `${number}. ` }) });

test("the guide makes a repository on the server", async () => {
  const first = step(1);
  await first.getByRole("button", { name: "Keep repositories on this server" }).click();
  await first.getByRole("textbox", { name: "Repository" }).fill("tea shop");
  await first.getByRole("button", { name: "Make repository" }).click();
  await first.getByText("letters, digits, . _ and -").waitFor();
  await first.getByRole("textbox", { name: "Repository" }).fill("shop");
  await first.getByRole("button", { name: "Make repository" }).click();
  await first.getByText("team/shop").waitFor();
});

test("the guide tests the model, says what is wrong with its key, and goes on where it was after a reload", async () => {
  const { page } = tab;
  const second = step(2);
  await second.getByLabel("Address").fill(model.url);
  await second.getByLabel("API key").fill("not-the-key-0123456789");
  await second.getByRole("button", { name: "Connect" }).click();
  await second.getByRole("button", { name: "Test connection" }).click();
  await second.getByText("Problem", { exact: true }).waitFor();
  await page.reload();
  await second.getByText("Problem", { exact: true }).waitFor();
  await second.getByRole("link", { name: /^the settings of/ }).click();
  await page.getByLabel("API key").fill(KEY);
  await page.getByRole("button", { name: "Replace credential" }).click();
  await page.getByText("The new credential is stored").waitFor();
  await page.goto("/w/SHOP/setup");
  await second.getByRole("button", { name: "Test connection" }).click();
  await step(3).getByRole("button", { name: "Make the agent" }).waitFor();
});

test("the guide binds an agent, says that it could start, and tries it in private", async () => {
  const { page } = tab;
  await step(3).getByRole("combobox", { name: "Model", exact: true }).fill("scripted-model");
  await step(3).getByRole("button", { name: "Make the agent" }).click();
  const fourth = step(4);
  await fourth.getByText("Available", { exact: true }).waitFor({ timeout: RUN_MS_MAX });
  await fourth.getByText("Try the agent in private first").click();
  await fourth.getByRole("button", { name: "Start a test run" }).click();
  await fourth.getByText("Succeeded", { exact: true }).waitFor({ timeout: RUN_MS_MAX });
  expect(await findViolations(page)).toEqual([]);
  await page.goto("/w/SHOP");
  await page.getByText("No items yet", { exact: true }).waitFor();
});

test("the first item is made and assigned, and its transcript is watched live", async () => {
  const { page } = tab;
  model.play(SCRIPT.map((turn, at) => (at === 1 ? { ...turn, delay_ms: THOUGHT_MS } : turn)));
  await page.goto("/w/SHOP/setup");
  await step(4).getByRole("button", { name: "Create and assign" }).click();
  const link = step(4).getByRole("link", { name: /^SHOP-\d+ / });
  item = (await link.getAttribute("href")) ?? "";
  await step(4)
    .getByRole("link", { name: /^Open run \d+$/ })
    .click();
  // Both at once: what was said is seen while the run goes on.
  await page
    .getByRole("main")
    .filter({ hasText: "I look at what is there first." })
    .filter({ has: page.getByText("Running", { exact: true }) })
    .waitFor({ timeout: RUN_MS_MAX });
  await page.getByText("Now I write down what it is for.").waitFor({ timeout: RUN_MS_MAX });
  await page.getByText("The README says what the shop is for.").first().waitFor({ timeout: RUN_MS_MAX });
});

test("the draft pull request is read, made ready and merged, and the item says so", async () => {
  const { page } = tab;
  await page.goto(item);
  const pull = page.getByRole("link", { name: /^Pull request #\d+$/ }).first();
  await pull.waitFor({ timeout: RUN_MS_MAX });
  await page.getByText("Draft", { exact: true }).first().waitFor();
  await pull.click();
  await page.getByText("Sells tea. Built with make, tested with make test.").first().waitFor();
  await page.getByRole("button", { name: "Mark as ready" }).click();
  await page.getByRole("button", { name: "Merge into main" }).click();
  await page.getByText("merged this into").waitFor();
  await page.goto(item);
  await page.getByText("Merged", { exact: true }).first().waitFor();
});

test("no page asked anything of another address or broke its own rules", () => {
  expect({ foreign: tab.foreign, errors: tab.errors }).toEqual({ foreign: [], errors: [] });
});
