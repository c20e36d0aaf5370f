import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { AgentRun } from "@windshift/contract/api/run.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { TestClient } from "../../apps/server/src/testing/test-client.ts";
import type { TestServer } from "../../apps/server/src/testing/test-server.ts";
import { createTestWorkspace, type LiveRun } from "../../apps/server/src/testing/test-workspace.ts";
import { startUnpaidRun } from "./run-scene.ts";
import { launchBrowser, openPage, signIn, startWebServer } from "./web.fixture.ts";

setDefaultTimeout(60_000);

let server: TestServer;
let chromium: Awaited<ReturnType<typeof launchBrowser>>;
let ada: TestClient;
let run: LiveRun;
beforeAll(async () => {
  server = await startWebServer();
  chromium = await launchBrowser();
  ada = await server.setUp();
  run = await startUnpaidRun(server, ada, await createTestWorkspace(ada, "DEMO"));
});
afterAll(async () => {
  await chromium?.close();
  await server?.close();
});

test("a member sees what a run used and what it waits for, but cannot spend more", async () => {
  const mel = await server.addPerson(ada, "Mel");
  await ada.post("/api/v1/workspaces/DEMO/members", { user_id: mel.id, role: "member" });
  const { page, context } = await openPage(chromium.browser, server);
  await signIn(page, "mel@example.test");
  await page.goto(`/items/${run.item.key}`);
  await page.getByText("1 call to the model · 80,000 tokens · $0.42").waitFor();
  await page.getByText("80,000 tokens of 100,000 tokens are used").waitFor();
  expect(await page.getByRole("button", { name: "Add and resume" }).count()).toBe(0);
  // A comment would be no answer to this one, and it does not run meanwhile.
  await page.getByPlaceholder("Say something, or call an agent with @").waitFor();
  expect(await page.getByText("Running for").count()).toBe(0);
  const refused = await mel.client.post(`/api/v1/agent-runs/${run.runId}/budget`, { tokens: 1_000_000 });
  expect(refused.status).toBe(403);
  await context.close();
});

test("an admin adds to the budget of a waiting run with one click, and it is queued", async () => {
  const { page, context, errors } = await openPage(chromium.browser, server);
  await signIn(page);
  await page.goto(`/items/${run.item.key}`);
  await page.getByLabel("More tokens").fill("5");
  await page.getByRole("button", { name: "Add and resume" }).click();
  await page.getByText("add 9,995 tokens more, at least").waitFor();
  await page.reload();
  expect(await page.getByLabel("More tokens").inputValue()).toBe("100000");
  await page.getByRole("button", { name: "Add and resume" }).click();
  await eventually("the run is queued", async () => {
    const reply = await ada.get(`/api/v1/agent-runs/${run.runId}`);
    return AgentRun.parse(reply.body).status === "queued";
  });
  await page.getByRole("button", { name: "Add and resume" }).waitFor({ state: "detached" });
  const audit = await server.database.kysely
    .selectFrom("audit_log")
    .select(["subject", "data"])
    .where("action", "=", "run.budget_raised")
    .execute();
  expect(audit).toEqual([{ subject: `run ${run.runId}`, data: '{"tokens":100000,"cost_micros":0}' }]);
  expect(errors).toEqual([]);
  await context.close();
});
