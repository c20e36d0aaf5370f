import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Binding } from "@windshift/contract/api/binding.ts";
import { Runner, RunnerPoolsReply } from "@windshift/contract/api/pool.ts";
import { AgentRunDetail, AgentRunList, EventPage } from "@windshift/contract/api/run.ts";
import { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { readScenarios } from "@windshift/testing/scenario.ts";
import { type ScriptedModel, startScriptedModel } from "@windshift/testing/scripted-model.ts";
import { type BuiltWorkspace, buildWorkspace } from "@windshift/testing/workspace-builder.ts";
import { z } from "zod";
import { containersOf, startBystanders } from "./engine-bystanders.ts";
import { type Product, startProduct } from "./product.ts";
import { createRunnerHost, type RunnerHost, type RunnerProcess } from "./runner-process.ts";

/** The main job on a host of its own: windshift-runner beside a server that runs nothing itself. */
const KEY = "provider-key-of-the-runner-test";
const RUN_MS_MAX = 90_000;
/** What a killed host left is gone so long after its next start, ms. Source: SECURITY, SB-19. */
const SWEPT_MS_MAX = 60_000;

let product: Product;
let model: ScriptedModel;
let workspace: BuiltWorkspace;
let host: RunnerHost;
let runner: RunnerProcess | undefined;

beforeAll(async () => {
  const [scenario] = readScenarios(join(import.meta.dir, "scenarios"));
  if (scenario === undefined) throw new Error("there are no scenarios");
  product = await startProduct("runner-host", { CODING_AGENT_RUNNER_IMAGE: "" });
  model = await startScriptedModel({ script: scenario.model, apiKey: KEY });
  workspace = await buildWorkspace(product.api, {
    key: "HOST",
    name: "Host",
    projectDir: scenario.projectDir,
    repositoryName: "project",
    agentName: "Agent",
    llm: { baseUrl: model.url, apiKey: KEY, model: "scripted-model" },
  });
  host = await createRunnerHost(product, "host-1");
  const { bindings } = await product.api.get(
    "/api/v1/workspaces/HOST/bindings",
    z.object({ bindings: z.array(Binding) }),
  );
  for (const { id } of bindings)
    await product.api.patch(`/api/v1/bindings/${id}`, { pool: host.pool.name }, Binding);
}, 120_000);
afterEach(async () => {
  runner?.signal("SIGKILL");
  await runner?.exited;
});
afterAll(async () => {
  await product?.stop();
  await model?.stop();
}, 60_000);

describe("a runner host", () => {
  test(
    "registers, turns an assignment into a draft pull request, and drains at SIGTERM",
    async () => {
      runner = host.start();
      const item = await assign("On a host");
      const run = await eventually("the run ends", () => endedRun(item.key), RUN_MS_MAX);
      expect([run.status, run.reason, run.detail]).toEqual(["succeeded", "completed", null]);
      const { links } = await product.api.get(`/api/v1/items/${item.key}`, WorkItemDetail);
      expect(links.filter((link) => link.kind === "pull_request")).toHaveLength(1);
      runner.signal("SIGTERM");
      expect(await runner.exited).toBe(0);
      await expectCleanHost();
    },
    RUN_MS_MAX + 30_000,
  );

  test(
    "F05 SB-19 F46 that is killed while its agent works is noticed when it starts again: what it left goes, what is others' stays, the run goes on there",
    async () => {
      runner = host.start();
      const item = await assign("Killed");
      await eventually("the agent to work", async () => (await phaseOf(item.key)) === "agent", RUN_MS_MAX);
      runner.signal("SIGKILL");
      await runner.exited;
      const dead = await deadAttemptOf(item.key);
      expect(await leftOf(dead)).toEqual([
        `run-${dead.run}-1`,
        `windshift-${dead.instance}-run-${dead.run}-1-agent`,
      ]);
      await using others = await startBystanders(dead);
      runner = host.start();
      const isSwept = async () => (await leftOf(dead)).length === 0;
      await eventually("what it left is gone", isSwept, SWEPT_MS_MAX);
      const run = await eventually("the run ends", () => endedRun(item.key), RUN_MS_MAX);
      expect([run.status, run.attempt]).toEqual(["succeeded", 2]);
      expect(await others.running()).toEqual(others.names);
      const { links } = await product.api.get(`/api/v1/items/${item.key}`, WorkItemDetail);
      expect(links.filter((link) => link.kind === "pull_request")).toHaveLength(1);
      await expectCleanHost();
    },
    2 * RUN_MS_MAX,
  );

  test(
    "F02 goes on with its run while the server is killed and started again, and no event is lost",
    async () => {
      runner = host.start();
      const asked = model.requests.length;
      const item = await assign("The server is killed");
      // From its first question on the agent knows that the address is right, and waits for whoever is not there.
      await eventually("the agent to ask", () => model.requests.length > asked, RUN_MS_MAX);
      await product.server.kill();
      await product.restart();
      const run = await eventually("the run ends", () => endedRun(item.key), RUN_MS_MAX);
      expect([run.status, run.attempt, run.detail]).toEqual(["succeeded", 1, null]);
      const { events } = await product.api.get(
        `/api/v1/agent-runs/${run.id}/events?after=0&limit=500`,
        EventPage,
      );
      const seqs = events.filter(({ seq }) => seq > 0).map(({ seq }) => seq);
      expect(seqs).toEqual(seqs.map((_, i) => i + 1));
    },
    2 * RUN_MS_MAX,
  );

  test(
    "whose credential is revoked ends with a sentence that says what to do",
    async () => {
      const revoked = await createRunnerHost(product, "revoked");
      runner = revoked.start();
      const find = async () => {
        const { pools } = await product.api.get("/api/v1/admin/diagnostics/runner-pools", RunnerPoolsReply);
        const pool = pools.find((one) => one.pool === "revoked");
        return pool?.live === 1 ? pool : undefined;
      };
      const { runners } = await eventually("the host is there", find, RUN_MS_MAX);
      const { pid, exited } = runner;
      expect(pid).toBeGreaterThan(0);
      await product.api.post(`/api/v1/admin/runners/${runners[0]?.id}/revoke`, {}, Runner);
      expect(await exited).toBe(4);
      expect(await runner.log()).toContain("register this runner again");
    },
    RUN_MS_MAX + 60_000,
  );
});

function assign(title: string) {
  return workspace.createItem({ title, description: "Make `sh test.sh` pass." }, true);
}

async function endedRun(item: string): Promise<AgentRunDetail | undefined> {
  const { runs } = await product.api
    .get(`/api/v1/items/${item}/agent-runs`, AgentRunList)
    .catch(() => ({ runs: [] }));
  const [run] = runs;
  if (run === undefined || !isTerminal(run.status)) return undefined;
  return product.api.get(`/api/v1/agent-runs/${run.id}`, AgentRunDetail);
}

async function phaseOf(item: string): Promise<string | null | undefined> {
  return (await product.api.get(`/api/v1/items/${item}/agent-runs`, AgentRunList)).runs[0]?.phase;
}

/** The attempt that died with the host. */
async function deadAttemptOf(item: string) {
  const { runs } = await product.api.get(`/api/v1/items/${item}/agent-runs`, AgentRunList);
  const instance = (await readFile(join(host.cacheRoot, "instance"), "utf8")).trim();
  return { instance, run: runs[0]?.id ?? 0, attempt: 1 };
}

/** What a host has of an attempt: its folder, and its containers. */
async function leftOf(dead: { instance: string; run: number; attempt: number }): Promise<string[]> {
  const folders = await readdir(join(host.cacheRoot, "worktrees")).catch(() => []);
  const own = folders.filter((name) => name === `run-${dead.run}-${dead.attempt}`);
  return [...own, ...(await containersOf(dead))];
}

/** I10: no folder of an attempt and nothing in the spool. */
async function expectCleanHost(): Promise<void> {
  for (const folder of ["worktrees", "spool"]) {
    const left = () => readdir(join(host.cacheRoot, folder)).catch(() => []);
    await eventually(`${folder} to be empty`, async () => (await left()).length === 0);
  }
}
