import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { Binding } from "@windshift/contract/api/binding.ts";
import { Comment, CommentPage } from "@windshift/contract/api/comment.ts";
import { AgentRun, AgentRunDetail, AgentRunList, AgentRunUsage } from "@windshift/contract/api/run.ts";
import { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import type { RunStatus } from "@windshift/contract/run.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import type { ModelScript } from "@windshift/testing/model-script.ts";
import { type ScriptedModel, startScriptedModel } from "@windshift/testing/scripted-model.ts";
import { type BuiltWorkspace, buildWorkspace } from "@windshift/testing/workspace-builder.ts";
import { z } from "zod";
import { type Product, startProduct } from "./product.ts";

/** A budget that is used up stops the spending and nothing else: what was done stays, and goes on when somebody pays. */
const RUN_MS_MAX = 60_000;
const commit = (file: string, message: string, tokens: number): ModelScript[number] => ({
  tool_calls: [
    { name: "bash", args: { command: `echo x > ${file} && git add ${file} && git commit -qm '${message}'` } },
  ],
  usage: { input_tokens: tokens, output_tokens: 500 },
});
const done: ModelScript[number] = {
  tool_calls: [{ name: "finish", args: { outcome: "completed", summary: "All of it." } }],
  usage: { input_tokens: 1_000, output_tokens: 100 },
};
/** Room for one call, whose reply says that it used most of it. */
const BUDGET = 60_000;
const DEAR: ModelScript = [commit("half.txt", "Half of it", 50_000), done];
const CHEAP: ModelScript = [commit("rest.txt", "The rest", 2_000), done];

let product: Product;
let model: ScriptedModel;
let workspace: BuiltWorkspace;
let binding: Binding;

beforeAll(async () => {
  product = await startProduct("budget");
  model = await startScriptedModel({ script: DEAR });
  workspace = await buildWorkspace(product.api, {
    key: "PAY",
    name: "Paying",
    projectDir: join(import.meta.dir, "scenarios/01-happy-path/repo"),
    repositoryName: "project",
    agentName: "Agent",
    llm: { baseUrl: model.url, apiKey: null, model: "scripted-model" },
  });
  const list = z.object({ bindings: z.array(Binding) });
  const { bindings } = await product.api.get("/api/v1/workspaces/PAY/bindings", list);
  binding = Binding.parse(bindings[0]);
}, 120_000);
afterAll(async () => {
  await product?.stop();
  await model?.stop();
}, 60_000);

const setBudget = (budget: object) =>
  product.api.patch(`/api/v1/bindings/${binding.id}`, { budget }, Binding);

test(
  "F37 a run whose budget is used up waits with its commits, and goes on when an admin adds to it",
  async () => {
    const { api } = product;
    await setBudget({ run: { tokens_max: BUDGET } });
    const item = await workspace.createItem({ title: "Two halves", description: "Do both." }, true);
    const waits = await until(item.key, "waiting");
    expect(waits).toMatchObject({ reason: "budget", attempt: 1, ended_at: null });
    expect(waits.detail).toContain("The budget of this run is used up: 50,500 tokens of 60,000 tokens");
    expect(await subjects(waits.branch)).toEqual(["Half of it"]);
    const { comments } = await api.get(`/api/v1/items/${item.key}/comments`, CommentPage);
    expect(comments.at(-1)?.body).toContain(`Run ${waits.id} waits because a budget is used up`);
    expect(comments.at(-1)?.body).toContain("An admin of the workspace can add to it");
    expect((await api.get(`/api/v1/items/${item.key}`, WorkItemDetail)).links).toEqual([]);
    const used = await api.get(`/api/v1/agent-runs/${waits.id}/usage`, AgentRunUsage);
    expect(used).toMatchObject({ calls: 1, input_tokens: 50_000, output_tokens: 500, cost_micros: null });
    expect(used.budgets).toMatchObject([{ scope: "run", tokens_used: 50_500, tokens_max: BUDGET }]);

    // Words do not pay: the comment is kept for the agent, and the run waits on.
    await api.post(`/api/v1/items/${item.key}/comments`, { body: "Mind the umlauts." }, Comment);
    expect((await until(item.key, "waiting")).messages).toMatchObject([{ status: "queued" }]);
    const raise = (tokens: number) => api.post(`/api/v1/agent-runs/${waits.id}/budget`, { tokens }, AgentRun);
    await expect(raise(10)).rejects.toThrow("too little for the next call");

    model.play(CHEAP);
    await raise(200_000);
    const end = await until(item.key, "succeeded");
    expect(end).toMatchObject({ id: waits.id, attempt: 2, reason: "completed", branch: waits.branch });
    expect(JSON.stringify(model.requests.at(-1)?.messages)).toContain("Mind the umlauts.");
    expect(await subjects(end.branch)).toEqual(["The rest", "Half of it"]);
    expect((await api.get(`/api/v1/items/${item.key}`, WorkItemDetail)).links).toHaveLength(1);
  },
  RUN_MS_MAX * 3,
);

test(
  "F37 runs that wait for the budget of a month go on when that is raised",
  async () => {
    const { api } = product;
    model.play(DEAR);
    // 53,600 tokens were used this month.
    await setBudget({ month: { tokens_max: 53_600 + BUDGET } });
    const item = await workspace.createItem({ title: "Two more", description: "Do both." }, true);
    const waits = await until(item.key, "waiting");
    expect(waits.detail).toContain("of the agent's binding for");
    await expect(
      api.post(`/api/v1/agent-runs/${waits.id}/budget`, { tokens: 1_000_000 }, AgentRun),
    ).rejects.toThrow(`binding ${binding.id}`);
    model.play(CHEAP);
    await setBudget({ month: { tokens_max: 1_000_000 } });
    expect(await until(item.key, "succeeded")).toMatchObject({ id: waits.id, attempt: 2 });
  },
  RUN_MS_MAX * 3,
);

async function subjects(branch: string): Promise<string[]> {
  return (await gitOut(["log", "--format=%s", `main..${branch}`], workspace.repository.path)).split("\n");
}

/** The item's one run, once it has the status. */
async function until(itemKey: string, status: RunStatus): Promise<AgentRunDetail> {
  return eventually(
    `the run is ${status}`,
    async () => {
      const { runs } = await product.api.get(`/api/v1/items/${itemKey}/agent-runs`, AgentRunList);
      expect(runs).toHaveLength(1);
      const run = await product.api.get(`/api/v1/agent-runs/${runs[0]?.id}`, AgentRunDetail);
      return run.status === status ? run : undefined;
    },
    RUN_MS_MAX,
  );
}
