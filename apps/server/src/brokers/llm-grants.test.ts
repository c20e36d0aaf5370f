import { afterAll, beforeAll, expect, test } from "bun:test";
import { assert } from "@windshift/contract/app-error.ts";
import { RunId } from "@windshift/contract/ids.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { monthOf } from "../budgets/budget-month.ts";
import { readBudgetStates } from "../budgets/budget-state.ts";
import { cancelRun } from "../runs/run-cancel.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { createTestWorkspace, startLiveRun, type TestWorkspace } from "../testing/test-workspace.ts";
import { TokenGrants } from "./llm-grants.ts";
import { createUsageLedger } from "./usage-ledger.ts";

let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "LLM");
});
afterAll(() => server.close());

const open = async () => ({ baseUrl: "http://127.0.0.1:9", apiKey: undefined, contextWindow: undefined });
const newGrants = () => new TokenGrants(server.database, server.holds, open);

test("a token that was found a moment ago is dead at once when its run is canceled", async () => {
  const run = await startLiveRun(server, admin, workspace);
  const grants = newGrants();
  const grant = await grants.find(run.token);
  assert(grant !== undefined, "the run is live");
  expect(await grants.find(run.token)).toBe(grant);
  expect(await grant.isLive()).toBe(true);
  const by = (await admin.get<{ id: string }>("/api/v1/me")).body.id;
  await cancelRun(server.database, RunId.parse(run.runId), by, true, { llmModel: undefined });
  expect(await grants.find(run.token)).toBeUndefined();
  expect(await grant.isLive()).toBe(false);
});

test("the model's own window and its fallbacks are granted; without a limit no budget is asked, yet all is counted", async () => {
  const other = { llm_connection_id: workspace.llm.id, model: "scripted-2" };
  await admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { fallbacks: [other] });
  const facts = { context_window: 9_000, images: true, input_price: 2_000_000, output_price: 4_000_000 };
  await admin.send("PUT", `/api/v1/connections/${workspace.llm.id}/models/scripted-2`, facts);
  const run = await startLiveRun(server, admin, workspace);
  const grants = newGrants();
  const grant = await grants.find(run.token);
  assert(grant !== undefined, "the run is live");
  expect(grant.budget).toBeNull();
  expect(grant.targets).toMatchObject([
    { model: "scripted-1", prices: null, images: false },
    {
      model: "scripted-2",
      prices: { input: 2_000_000, output: 4_000_000 },
      contextWindow: 9_000,
      images: true,
    },
  ]);
  const target = grant.targets[1];
  assert(target !== undefined, "there is a fallback");
  await createUsageLedger(server.holds, (one) => grants.uncapped(one)).record({
    runId: grant.runId,
    attempt: grant.attempt,
    target,
    targetIndex: 1,
    tries: 2,
    usage: { inputTokens: 1_000, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 100 },
    estimated: false,
    status: 200,
    durationMs: 3.7,
  });
  await server.holds.flush();
  // A budget that is set later in the month finds what was spent before it.
  const states = await readBudgetStates(server.database.kysely, run.runId, monthOf(Date.now()));
  expect(states.map(({ scope, spent }) => [scope, spent])).toEqual([
    ["workspace", { tokens: 1_100, cost: 2_400 }],
    ["binding", { tokens: 1_100, cost: 2_400 }],
    ["run", { tokens: 1_100, cost: 2_400 }],
  ]);
  const usage = await admin.get<{ cost_micros: number; bindings: object[] }>("/api/v1/workspaces/LLM/usage");
  expect(usage.body).toMatchObject({
    calls: 1,
    cost_micros: 2_400,
    bindings: [{ binding_id: workspace.binding.id, input_tokens: 1_000, output_tokens: 100 }],
  });
});

/** For what takes a second, on a loaded machine, ms. */
const SEEN_MS_MAX = 20_000;

test("a look is renewed as the same grant until something of it changes: a price, or a budget, of which nobody is told", async () => {
  const run = await startLiveRun(server, admin, workspace);
  const grants = newGrants();
  const first = await grants.find(run.token);
  assert(first !== undefined, "the run is live");
  const path = `/api/v1/connections/${workspace.llm.id}/models/scripted-1`;
  const facts = { context_window: 7_000, images: false, input_price: 1_000_000, output_price: 1_000_000 };
  await admin.send("PUT", path, facts);
  const next = async (before: typeof first) => {
    const found = await grants.find(run.token);
    return found === before ? undefined : found;
  };
  const priced = await eventually("the price is seen", () => next(first), SEEN_MS_MAX);
  expect(priced.targets[0]).toMatchObject({ contextWindow: 7_000, prices: { input: 1_000_000 } });
  expect(priced.budget).toBeNull();
  expect([await first.isLive(), await priced.isLive()]).toEqual([true, true]);
  const budget = { tokens_max: 5_000_000, cost_micros_max: null };
  await admin.send("PUT", "/api/v1/workspaces/LLM/budget", budget);
  const limited = await eventually("the budget is seen", () => next(priced), SEEN_MS_MAX);
  expect(limited.budget).not.toBeNull();
  expect(limited.ended).toBe(first.ended);
});
