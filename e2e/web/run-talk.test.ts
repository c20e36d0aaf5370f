import { expect, setDefaultTimeout, test } from "bun:test";
import { deliverQueued } from "../../apps/server/src/runs/message-delivery.ts";
import { createItem, startLiveRun } from "../../apps/server/src/testing/test-workspace.ts";
import { startAskingRun } from "./run-scene.ts";
import { emit, openPage, signIn, useScene } from "./web.fixture.ts";

setDefaultTimeout(60_000);

const scene = useScene({ workspace: "DEMO" });

test("a queued run says why it waits; canceled, it is run again with a changed instruction", async () => {
  const item = await createItem(scene.ada, "DEMO", { assignee_id: scene.workspace.agent.id });
  const { page } = scene.tab;
  await page.goto(`/items/${item.key}`);
  await page.locator("[data-sentence]", { hasText: /next in line|queued earlier|no runner|pool/i }).waitFor();
  await page.getByRole("button", { name: "Cancel run" }).click();
  await page.locator(".run-badge", { hasText: "Canceled" }).waitFor();
  await page.getByRole("button", { name: "Run with changes…" }).click();
  const dialog = page.getByRole("dialog", { name: "Run again with changes" });
  await dialog.getByRole("textbox", { name: "Instruction for this run" }).fill("Only the README this time.");
  await dialog.getByRole("button", { name: "Start the run" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.locator(".run .run-badge", { hasText: "Queued" }).waitFor();
  await page.locator(".run-message", { hasText: "Only the README this time." }).waitFor();
  expect(await page.locator(".run-older").count()).toBe(1);
  await page.getByRole("button", { name: "Cancel run" }).click();
  await page.locator(".run .run-badge", { hasText: "Canceled" }).waitFor();
});

test("a message to the agent keeps its draft, and shows that it is queued, delivered and read", async () => {
  const run = await startLiveRun(scene.server, scene.ada, scene.workspace);
  const { page } = scene.tab;
  await page.goto(`/items/${run.item.key}/runs/${run.runId}`);
  await page.getByLabel("Message to the agent").fill("Please add a test");
  await page.reload();
  expect(await page.getByLabel("Message to the agent").inputValue()).toBe("Please add a test");
  await page.getByRole("button", { name: "Send" }).click();
  const message = page.locator(".run-message", { hasText: "Please add a test" });
  await message.getByText("Queued").waitFor();
  expect(await page.getByLabel("Message to the agent").inputValue()).toBe("");
  const [taken] = await deliverQueued(scene.server.database, run.runId);
  await message.getByText("Delivered").waitFor();
  await emit(scene.server, run, 1, [
    { type: "lifecycle", data: { note: "received", id: String(taken?.id) } },
  ]);
  await message.getByText("Read by the agent").waitFor();
});

test("a question stands out, and its answer is a comment with which the run goes on", async () => {
  const run = await startAskingRun(scene.server, scene.ada, scene.workspace, "Which of **both** files?");
  const { page } = scene.tab;
  await page.goto(`/items/${run.item.key}`);
  const question = page.getByRole("region", { name: "The agent asks" });
  await question.getByText("Which of both files?").waitFor();
  await question.getByLabel("Your answer").fill("The second.");
  await page.reload();
  expect(await question.getByLabel("Your answer").inputValue()).toBe("The second.");
  await question.getByRole("button", { name: "Answer and go on" }).click();
  await page.locator(`#run-${run.runId} .run-badge`, { hasText: "Queued" }).waitFor();
  const reply = await scene.ada.get<{ comments: { body: string }[] }>(
    `/api/v1/items/${run.item.key}/comments`,
  );
  expect(reply.body.comments.map(({ body }) => body)).toEqual(["The second."]);
  expect(await question.count()).toBe(0);
  await scene.ada.post(`/api/v1/agent-runs/${run.runId}/cancel`, { force: true });
});

test("a viewer sees the run without what would change it, and a run under another item's address is not there", async () => {
  const run = await startLiveRun(scene.server, scene.ada, scene.workspace);
  const person = await scene.server.addPerson(scene.ada, "Vera");
  await scene.ada.post("/api/v1/workspaces/DEMO/members", { user_id: person.id, role: "viewer" });
  const { page, context } = await openPage(scene.browser, scene.server);
  await signIn(page, "vera@example.test");
  await page.goto(`/items/${run.item.key}/runs/${run.runId}`);
  await page.getByText("Live", { exact: true }).waitFor();
  expect(await page.getByRole("button", { name: /Cancel|Send|Run again/ }).count()).toBe(0);
  const other = await createItem(scene.ada, "DEMO");
  await page.goto(`/items/${other.key}/runs/${run.runId}`);
  await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  await context.close();
});

test("no page asks anything of another address or breaks its own rules", () => {
  expect({ foreign: scene.tab.foreign, errors: scene.tab.errors }).toEqual({ foreign: [], errors: [] });
});
