import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Binding } from "@windshift/contract/api/binding.ts";
import type { Model } from "@windshift/contract/api/model.ts";
import type { AgentRun } from "@windshift/contract/api/run.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { describeShort } from "../budgets/budget-short.ts";
import type { TestClient } from "../testing/test-client.ts";
import type { TestServer } from "../testing/test-server.ts";
import { createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";
import {
  launchBrowser,
  openPage,
  signIn,
  startUnpaidRun,
  startWebServer,
  type WatchedPage,
} from "./web.fixture.ts";

setDefaultTimeout(60_000);

let server: TestServer;
let chromium: Awaited<ReturnType<typeof launchBrowser>>;
let ada: TestClient;
let workspace: TestWorkspace;
let tab: WatchedPage;
beforeAll(async () => {
  [server, chromium] = await Promise.all([startWebServer(), launchBrowser()]);
  ada = await server.setUp();
  workspace = await createTestWorkspace(ada, "DEMO");
  tab = await openPage(chromium.browser, server);
  await signIn(tab.page);
});
afterAll(async () => {
  await chromium?.close();
  await server?.close();
});

test("an admin gives a model that agents call a price, and it is kept to the micro-dollar", async () => {
  const { page } = tab;
  const models = async () =>
    (await ada.get<{ models: Model[] }>(`/api/v1/connections/${workspace.llm.id}/models`)).body.models;
  await page.goto(`/workspaces/DEMO/connections/${workspace.llm.id}`);
  const row = page.getByRole("form", { name: "scripted-1" });
  await page.getByText("No price").waitFor();
  await page.getByText(`called by ${workspace.agent.name}`).waitFor();
  await row.getByLabel("Input, $", { exact: true }).fill("2.5");
  await row.getByLabel("Output, $").fill("0.000015");
  await row.getByLabel("Context, tokens").fill("128000");
  await row.getByLabel("Takes pictures").check();
  await row.getByRole("button", { name: "Save scripted-1" }).click();
  await page.locator("[role=status]", { hasText: "Saved scripted-1." }).waitFor();
  await page.getByText("No price").waitFor({ state: "detached" });
  expect(await models()).toMatchObject([
    {
      model: "scripted-1",
      input_price: 2_500_000,
      cached_input_price: null,
      output_price: 15,
      context_window: 128_000,
      images: true,
    },
  ]);
  expect(await row.getByLabel("Output, $").inputValue()).toBe("0.000015");
});

test("a model with a slash in its name is added, refused with a reason, and removed", async () => {
  const { page } = tab;
  const typed = page.getByRole("form", { name: "scripted-1" }).getByLabel("Cached input, $");
  await typed.fill("9");
  await page.getByText("Add a model").click();
  const form = page.locator(".new-item form", { hasText: "Add model" });
  await form.getByLabel("Model", { exact: true }).fill("two words");
  await form.getByLabel("Input, $", { exact: true }).fill("1");
  await form.getByRole("button", { name: "Add model" }).click();
  await page.locator("#new-model-error", { hasText: "a model id such as" }).waitFor();
  expect(await form.getByLabel("Model", { exact: true }).inputValue()).toBe("two words");
  await form.getByLabel("Model", { exact: true }).fill("qwen/qwen3:free");
  await form.getByRole("button", { name: "Add model" }).click();
  await page.getByRole("form", { name: "qwen/qwen3:free" }).waitFor();
  expect(await typed.inputValue()).toBe("9");
  await page.getByRole("button", { name: "Remove qwen/qwen3:free" }).click();
  await page.getByRole("form", { name: "qwen/qwen3:free" }).waitFor({ state: "detached" });
});

test("the budgets of the month and of a run are seen with their use, and set", async () => {
  const { page } = tab;
  await page.getByRole("link", { name: "Budgets" }).click();
  await page.getByLabel("Tokens a month").first().fill("0");
  await page.getByLabel("Dollars a month").first().fill("12.5");
  await page.getByLabel("Tokens a month").first().fill("2000000");
  await page.getByRole("button", { name: "Save the workspace's budget" }).click();
  await page.getByText("0 of 2,000,000 tokens used").waitFor();
  await page.getByText("$0.00 of $12.50 used").waitFor();
  const { body } = await ada.get("/api/v1/workspaces/DEMO/budget");
  expect(body).toEqual({ tokens_max: 2_000_000, cost_micros_max: 12_500_000 });

  const agent = page.locator(`#binding-${workspace.binding.id}`);
  await agent.getByLabel("Tokens a month").fill("500000");
  await agent.getByLabel("Dollars a run").fill("-1");
  await agent.getByRole("button", { name: /^Save the budgets/ }).click();
  expect(await agent.getByLabel("Dollars a run").evaluate((one) => one.matches(":invalid"))).toBe(true);
  await agent.getByLabel("Dollars a run").fill("1");
  await agent.getByRole("button", { name: /^Save the budgets/ }).click();
  await agent.getByText("0 of 500,000 tokens used").waitFor();
  const binding = await ada.get<Binding>(`/api/v1/bindings/${workspace.binding.id}`);
  expect(binding.body.budget).toEqual({
    run: { tokens_max: null, cost_micros_max: 1_000_000 },
    month: { tokens_max: 500_000, cost_micros_max: null },
  });
});

test("a run that waits for the month's budget leads to it, and goes on when it is raised", async () => {
  const { page } = tab;
  const run = await startUnpaidRun(server, ada, workspace);
  await setShort(run.runId);
  await page.goto(`/items/${run.item.key}`);
  await page.getByRole("link", { name: "Raise the agent's budget of the month" }).click();
  await page.waitForURL("/workspaces/DEMO/budgets#bindings");
  const agent = page.locator(`#binding-${workspace.binding.id}`);
  await agent.getByText("90,000 of 100,000 tokens used").waitFor();
  await agent.getByLabel("Tokens a month").fill("400000");
  await agent.getByRole("button", { name: /^Save the budgets/ }).click();
  await agent.getByText("90,000 of 400,000 tokens used").waitFor();
  await eventually("the run is queued", async () => {
    return (await ada.get<AgentRun>(`/api/v1/agent-runs/${run.runId}`)).body.status === "queued";
  });
});

test("no page asks anything of another address or breaks its own rules", () => {
  expect({ foreign: tab.foreign, errors: tab.errors }).toEqual({ foreign: [], errors: [] });
});

/** As the broker leaves a run whose binding's month is used up. */
async function setShort(runId: number): Promise<void> {
  const { id } = workspace.binding;
  await ada.patch(`/api/v1/bindings/${id}`, { budget: { month: { tokens_max: 100_000 } } });
  const period = new Date().toISOString().slice(0, 7);
  const amounts = { measure: "tokens", used: 90_000, limit: 100_000, needed: 15_000, attempt: 1 } as const;
  const short = { scope: "binding", scope_id: id, period, ...amounts } as const;
  const { kysely } = server.database;
  await kysely
    .updateTable("runs")
    .set({ budget_short: JSON.stringify(short), detail: describeShort(short) })
    .where("id", "=", runId)
    .execute();
  await kysely
    .insertInto("budget_use")
    .values({ scope: "binding", scope_id: id, period, tokens: 90_000, cost_micros: 0 })
    .onConflict((oc) => oc.columns(["scope", "scope_id", "period"]).doUpdateSet({ tokens: 90_000 }))
    .execute();
}
