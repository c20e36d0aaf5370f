import { expect, setDefaultTimeout, test } from "bun:test";
import type { AgentRun } from "@windshift/contract/api/run.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { describeShort } from "../../apps/server/src/budgets/budget-short.ts";
import { startUnpaidRun } from "./run-scene.ts";
import { openPage, signIn, useScene } from "./web.fixture.ts";

setDefaultTimeout(60_000);

const scene = useScene({ workspace: "DEMO", signedIn: false });

test("a run that waits for the month's budget leads to it, and goes on when it is raised", async () => {
  const { page, foreign, errors } = await openPage(scene.browser, scene.server);
  await signIn(page);
  const run = await startUnpaidRun(scene.server, scene.ada, scene.workspace);
  await setShort(run.runId);
  await page.goto(`/items/${run.item.key}`);
  await page.getByRole("link", { name: "Raise the agent's budget of the month" }).click();
  const agent = page.getByRole("article", { name: scene.workspace.agent.name });
  await agent.getByText("90,000 of 100,000 tokens used").waitFor();
  await agent.getByLabel("Tokens a month").fill("400000");
  await agent.getByRole("button", { name: /^Save the budgets/ }).click();
  await agent.getByText("90,000 of 400,000 tokens used").waitFor();
  await eventually("the run is queued", async () => {
    return (await scene.ada.get<AgentRun>(`/api/v1/agent-runs/${run.runId}`)).body.status === "queued";
  });
  expect({ foreign, errors }).toEqual({ foreign: [], errors: [] });
});

/** As the broker leaves a run whose binding's month is used up. */
async function setShort(runId: number): Promise<void> {
  const { id } = scene.workspace.binding;
  await scene.ada.patch(`/api/v1/bindings/${id}`, { budget: { month: { tokens_max: 100_000 } } });
  const period = new Date().toISOString().slice(0, 7);
  const amounts = { measure: "tokens", used: 90_000, limit: 100_000, needed: 15_000, attempt: 1 } as const;
  const short = { scope: "binding", scope_id: id, period, ...amounts } as const;
  const { kysely } = scene.server.database;
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
