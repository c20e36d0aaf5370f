import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Binding } from "@windshift/contract/api/binding.ts";
import type { AgentRun } from "@windshift/contract/api/run.ts";
import { draftJobs } from "../runs/job-spec.ts";
import { getRun } from "../runs/run-store.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import {
  createItem,
  createTestWorkspace,
  startLiveRun,
  type TestWorkspace,
} from "../testing/test-workspace.ts";
import { costOf, mostOf } from "./call-cost.ts";

let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
let at: string;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "COST");
  at = `/api/v1/connections/${workspace.llm.id}/models`;
});
afterAll(() => server.close());

const PRICES = { input_price: 2_500_000, cached_input_price: 250_000, output_price: 10_000_000 };
const setModel = (model: string, facts: object) => admin.send("PUT", `${at}/${model}`, facts);
const setBudget = (budget: object) =>
  admin.patch<Binding>(`/api/v1/bindings/${workspace.binding.id}`, { budget });

describe("a model's facts", () => {
  test("are set as a whole, listed and forgotten, with a line in the audit log each", async () => {
    expect((await setModel("qwen%2Fqwen3:free", { ...PRICES, context_window: 32_768 })).status).toBe(200);
    expect((await setModel("qwen%2Fqwen3:free", { images: true })).status).toBe(200);
    const { body } = await admin.get<{ models: object[] }>(at);
    expect(body.models).toMatchObject([
      { model: "qwen/qwen3:free", input_price: null, context_window: null, images: true },
    ]);
    expect((await admin.delete(`${at}/qwen%2Fqwen3:free`)).status).toBe(204);
    expect((await admin.delete(`${at}/qwen%2Fqwen3:free`)).status).toBe(404);
    const actions = await server.database.kysely
      .selectFrom("audit_log")
      .select("action")
      .where("subject", "=", `model qwen/qwen3:free of connection ${workspace.llm.id}`)
      .execute();
    expect(actions.map(({ action }) => action)).toEqual(["model.set", "model.set", "model.deleted"]);
  });

  test("are whole numbers, of LLM connections alone", async () => {
    for (const facts of [{ input_price: 0.5 }, { input_price: -1 }, { output_price: "1" }, { price: 1 }])
      expect((await setModel("m", facts)).status).toBe(400);
    expect((await admin.send("PUT", `/api/v1/connections/${workspace.git.id}/models/m`, {})).status).toBe(
      400,
    );
  });
});

describe("a run under a budget in dollars", () => {
  test("is refused when it is created with a model without a price, and says what to do", async () => {
    await setBudget({ month: { cost_micros_max: 5_000_000 } });
    const item = await createItem(admin, "COST", { assignee_id: workspace.agent.id });
    const { body } = await admin.get<{ runs: AgentRun[] }>(`/api/v1/items/${item.key}/agent-runs`);
    expect(body.runs[0]).toMatchObject({ status: "failed", reason: "misconfigured" });
    expect(body.runs[0]?.detail).toContain("scripted-1 has no price");
    expect(body.runs[0]?.detail).toContain("set its price on the LLM connection, or use a budget in tokens");
  });

  test("starts once it has one; a model that takes pictures is told so", async () => {
    await setModel("scripted-1", { ...PRICES, images: true });
    const live = await startLiveRun(server, admin, workspace);
    const run = await getRun(server.database.kysely, live.runId);
    const addresses = { containerApiUrl: "http://a/api", runnerApiUrl: "http://b/api" };
    const [job] = await server.database.transaction(async (tx) => {
      await tx.deleteFrom("run_tokens").where("run_id", "=", run.id).execute();
      return draftJobs(tx, [{ run, addresses }]);
    });
    expect(job?.env).toMatchObject({ LLM_MODEL: "scripted-1", LLM_IMAGES: "1" });
  });
});

describe("cost", () => {
  const prices = { input: 2_500_000, cachedInput: 250_000, output: 10_000_000 };
  const usage = { inputTokens: 1_000, cachedInputTokens: 400, cacheWriteTokens: 0, outputTokens: 10 };

  test("is exact to the micro-dollar, rounded up, and never more than was set aside", () => {
    expect(costOf(usage, prices, "openai_compatible")).toBe(600 * 2.5 + 400 * 0.25 + 10 * 10);
    expect(
      costOf({ ...usage, inputTokens: 1, cachedInputTokens: 0, outputTokens: 0 }, prices, "anthropic"),
    ).toBe(3);
    const written = { ...usage, cachedInputTokens: 0, cacheWriteTokens: 1_000 };
    for (const provider of ["openai_compatible", "anthropic"] as const)
      expect(costOf(written, prices, provider)).toBeLessThanOrEqual(mostOf(written, prices, provider));
  });

  test("of a billion tokens at the highest price is not rounded by the way", () => {
    const dear = { input: 100_000_000_000, cachedInput: 0, output: 99_999_999_999 };
    const all = { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 1_000_000_000 };
    expect(costOf(all, dear, "openai_compatible")).toBe(99_999_999_999_000);
  });
});
