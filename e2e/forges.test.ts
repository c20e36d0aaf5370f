import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Connection } from "@windshift/contract/api/connection.ts";
import { AgentRun, AgentRunDetail, AgentRunList } from "@windshift/contract/api/run.ts";
import { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { casesForEngine } from "@windshift/testing/database-fixture.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { ForgeServer, WebhookEvent } from "@windshift/testing/forges/forge-server.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { startGithubServer } from "@windshift/testing/forges/github-server.ts";
import { startGitlabServer } from "@windshift/testing/forges/gitlab-server.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import type { ModelScript } from "@windshift/testing/model-script.ts";
import { readScenarios } from "@windshift/testing/scenario.ts";
import { startScriptedModel } from "@windshift/testing/scripted-model.ts";
import { type BuiltWorkspace, buildWorkspace } from "@windshift/testing/workspace-builder.ts";
import { type Product, startProduct } from "./product.ts";

/** A run of the scenario ends well within this, ms, on a loaded two-core machine. */
const RUN_MS_MAX = 60_000;
const TEST_MS_MAX = 2 * RUN_MS_MAX + 30_000;
let product: Product;

beforeAll(async () => {
  product = await startProduct("forges");
}, 120_000);
afterAll(() => product?.stop(), 60_000);

/** To the database they are one; on PostgreSQL the first stands for all. */
const FORGES: [key: string, start: () => Promise<ForgeServer>][] = [
  ["GITHUB", startGithubServer],
  ["FORGEJO", startForgejoServer],
  ["GITLAB", startGitlabServer],
];

describe("the main job on a forge", () => {
  for (const [key, start] of casesForEngine(process.env, FORGES, ([key]) => key === "GITHUB")) {
    test(
      `${key} gets a draft with the agent's branch, a comment starts another run, a merge ends the item, and a revoked token stops the next run`,
      () => play(key, start),
      TEST_MS_MAX,
    );
  }
});

async function play(key: string, start: () => Promise<ForgeServer>): Promise<void> {
  const { api } = product;
  const [folder] = readScenarios(join(import.meta.dir, "scenarios"));
  if (folder === undefined) throw new Error("e2e/scenarios has no scenario");
  const apiKey = `provider-key-of-${key}-0123456789`;
  const provider = await startScriptedModel({ script: folder.model, apiKey });
  const forge = await start();
  try {
    const workspace = await buildWorkspace(api, {
      key,
      name: key,
      projectDir: folder.projectDir,
      repositoryName: "project",
      forge,
      agentName: "Agent",
      llm: { baseUrl: provider.url, apiKey, model: "scripted-model" },
    });
    const item = await workspace.createItem(folder.scenario.item, true);
    const run = await newestEnded(item.key, 1);
    expect({ status: run.status, detail: run.detail }).toEqual({ status: "succeeded", detail: null });
    expect(run.pull_request).toMatchObject({ state: "open", draft: true });
    expect(await gitOut(["rev-parse", run.branch], forge.dir)).toBe(run.head_oid ?? "none");
    const { links } = await api.get(`/api/v1/items/${item.key}`, WorkItemDetail);
    expect(links.map((link) => link.url)).toEqual([run.pull_request?.url ?? "none"]);
    expect(forge.violations).toEqual([]);
    const pull = run.pull_request?.number ?? 0;
    provider.play(READS_ONLY);
    await forge.comment(pull, forge.people.writer, "@windshift please look at it once more");
    await deliver(workspace, forge, "comment", pull);
    const next = await newestEnded(item.key, 2);
    expect(next).toMatchObject({ trigger: "pr_comment", branch: run.branch, reason: "no_changes" });
    await forge.merge(pull);
    await deliver(workspace, forge, "pull_request", pull);
    await eventually("the merge ends the item", async () => {
      const { status } = await api.get(`/api/v1/items/${item.key}`, WorkItemDetail);
      return status === "done";
    });
    await stopsWhenRevoked(workspace, forge, item.key);
  } finally {
    await forge.stop();
    await provider.stop();
  }
}

/** The second run finds nothing left to do. */
const READS_ONLY: ModelScript = [
  { tool_calls: [{ name: "finish", args: { outcome: "completed", summary: "It is as it should be." } }] },
];

/** A webhook of the forge, signed with the connection's secret. */
async function deliver(
  workspace: BuiltWorkspace,
  forge: ForgeServer,
  event: WebhookEvent,
  pull: number,
): Promise<void> {
  const { headers, body } = forge.webhook(event, pull, workspace.git.webhook_secret ?? "");
  const to = `${product.server.url}/api/webhooks/${workspace.git.id}`;
  const reply = await fetch(to, { method: "POST", headers, body: new Uint8Array(body) });
  expect([reply.status, await reply.json()]).toEqual([202, { outcome: "taken" }]);
}

async function stopsWhenRevoked(
  workspace: BuiltWorkspace,
  forge: ForgeServer,
  itemKey: string,
): Promise<void> {
  const { api } = product;
  const at = `/api/v1/connections/${workspace.git.id}`;
  await api.patch(at, { token: forge.tokens.revoked }, Connection);
  await api.post(`/api/v1/items/${itemKey}/agent-runs`, {}, AgentRun);
  const run = await newestEnded(itemKey, 3);
  expect([run.status, run.reason]).toEqual(["failed", "misconfigured"]);
  const { check_problem } = await api.get(at, Connection);
  expect(run.detail).toBe(check_problem);
}

async function newestEnded(itemKey: string, runs: number): Promise<AgentRunDetail> {
  const { api } = product;
  return eventually(
    `run ${runs} of ${itemKey} ends`,
    async () => {
      const list = await api.get(`/api/v1/items/${itemKey}/agent-runs`, AgentRunList);
      const [newest] = list.runs;
      if (list.runs.length !== runs || newest === undefined || !isTerminal(newest.status)) return undefined;
      return api.get(`/api/v1/agent-runs/${newest.id}`, AgentRunDetail);
    },
    RUN_MS_MAX,
  );
}
