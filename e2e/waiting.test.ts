import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { Comment, CommentPage } from "@windshift/contract/api/comment.ts";
import { AgentRunDetail, AgentRunList } from "@windshift/contract/api/run.ts";
import { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import type { RunStatus } from "@windshift/contract/run.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import type { ModelScript } from "@windshift/testing/model-script.ts";
import { type ScriptedModel, startScriptedModel } from "@windshift/testing/scripted-model.ts";
import { type BuiltWorkspace, buildWorkspace } from "@windshift/testing/workspace-builder.ts";
import { type Product, startProduct } from "./product.ts";

/** A question frees the machine; an answer goes on with the same run, on the same branch, with nothing lost. */
const RUN_MS_MAX = 60_000;
const bash = (command: string): ModelScript[number] => ({
  tool_calls: [{ name: "bash", args: { command } }],
});
const finish = (outcome: string, summary: string): ModelScript[number] => ({
  tool_calls: [{ name: "finish", args: { outcome, summary } }],
});
const ASKING: ModelScript = [
  bash("echo half > half.txt && git add half.txt && git commit --quiet --message 'Half of it'"),
  finish("needs_info", "Should umlauts become ae or a?"),
];
const ANSWERED: ModelScript = [
  bash("cat half.txt && echo rest > rest.txt && git add rest.txt && git commit --quiet --message 'The rest'"),
  finish("completed", "Umlauts become ae."),
];

let product: Product;
let model: ScriptedModel;
let workspace: BuiltWorkspace;

beforeAll(async () => {
  product = await startProduct("waiting");
  model = await startScriptedModel({ script: ASKING });
  workspace = await buildWorkspace(product.api, {
    key: "WAIT",
    name: "Waiting",
    projectDir: join(import.meta.dir, "scenarios/01-happy-path/repo"),
    repositoryName: "project",
    agentName: "Agent",
    llm: { baseUrl: model.url, apiKey: null, model: "scripted-model" },
  });
}, 120_000);
afterAll(async () => {
  await product?.stop();
  await model?.stop();
}, 60_000);

test(
  "a run that asks waits, and an answer on the item goes on with it",
  async () => {
    const { api } = product;
    const item = await workspace.createItem({ title: "Umlauts", description: "Handle them." }, true);
    const asked = await until(item.key, "waiting");
    expect(asked).toMatchObject({ reason: "needs_info", attempt: 1, ended_at: null });
    const { comments } = await api.get(`/api/v1/items/${item.key}/comments`, CommentPage);
    expect(comments.at(-1)?.body).toContain("Should umlauts become ae or a?");
    expect((await api.get(`/api/v1/items/${item.key}`, WorkItemDetail)).links).toEqual([]);

    model.play(ANSWERED);
    await api.post(`/api/v1/items/${item.key}/comments`, { body: "They become ae." }, Comment);
    const done = await until(item.key, "succeeded");
    expect(done).toMatchObject({ id: asked.id, attempt: 2, reason: "completed" });
    expect(
      model.requests
        .at(-1)
        ?.messages.map((message) => JSON.stringify(message))
        .join(),
    ).toContain("They become ae.");
    const subjects = await gitOut(["log", "--format=%s", `main..${done.branch}`], workspace.repository.path);
    expect(subjects.split("\n")).toEqual(["The rest", "Half of it"]);
    expect((await api.get(`/api/v1/items/${item.key}`, WorkItemDetail)).links).toHaveLength(1);
  },
  RUN_MS_MAX * 2,
);

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
