import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { Binding } from "@windshift/contract/api/binding.ts";
import { Pool, RunnerPoolsReply } from "@windshift/contract/api/pool.ts";
import { AgentRunList } from "@windshift/contract/api/run.ts";
import { ApiTokenWithSecret } from "@windshift/contract/api/token.ts";
import { ensureAgentNetwork } from "@windshift/testing/agent-network.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { programCommand } from "@windshift/testing/program-command.ts";
import { readScenarios } from "@windshift/testing/scenario.ts";
import { type ScriptedModel, startScriptedModel } from "@windshift/testing/scripted-model.ts";
import { type BuiltWorkspace, buildWorkspace } from "@windshift/testing/workspace-builder.ts";
import { z } from "zod";
import { type Product, startProduct } from "./product.ts";

/** Two runs on runners that come and go, with real programs and containers. */
const KEY = "provider-key-of-the-autoscaler-test";
const RUN_MS_MAX = 60_000;
const REPO = resolve(import.meta.dir, "..");

let product: Product;
let model: ScriptedModel;
let workspace: BuiltWorkspace;
let script: Bun.Subprocess | undefined;

beforeAll(async () => {
  const [scenario] = readScenarios(join(import.meta.dir, "scenarios"));
  if (scenario === undefined) throw new Error("there are no scenarios");
  product = await startProduct("runner-autoscaler", { CODING_AGENT_RUNNER_IMAGE: "" });
  model = await startScriptedModel({ script: scenario.model, apiKey: KEY });
  workspace = await buildWorkspace(product.api, {
    key: "AUTO",
    name: "Auto",
    projectDir: scenario.projectDir,
    repositoryName: "project",
    agentName: "Agent",
    llm: { baseUrl: model.url, apiKey: KEY, model: "scripted-model" },
  });
  const pool = await product.api.post("/api/v1/admin/pools", { name: "elastic" }, Pool);
  const { bindings } = await product.api.get(
    "/api/v1/workspaces/AUTO/bindings",
    z.object({ bindings: z.array(Binding) }),
  );
  for (const { id } of bindings)
    await product.api.patch(`/api/v1/bindings/${id}`, { pool: pool.name, labels: ["gpu"] }, Binding);
}, 120_000);
afterAll(async () => {
  script?.kill("SIGTERM");
  await script?.exited;
  await product?.stop();
  await model?.stop();
}, 60_000);

const elastic = async () => {
  const { pools } = await product.api.get("/api/v1/admin/diagnostics/runner-pools", RunnerPoolsReply);
  const found = pools.find(({ pool }) => pool === "elastic");
  if (found === undefined) throw new Error("the pool is gone");
  return found;
};

test(
  "a runner is started for each queued run, does it, and is revoked; without queued runs none is",
  async () => {
    const network = await ensureAgentNetwork("windshift-e2e", process.env);
    const tokenFile = join(product.dataDir, "token");
    const { token } = await product.api.post(
      "/api/v1/tokens",
      { name: "autoscaler", scopes: ["admin"] },
      ApiTokenWithSecret,
    );
    await Bun.write(tokenFile, `${token}\n`);
    const items = [];
    for (const title of ["First", "Second"])
      items.push(await workspace.createItem({ title, description: "Make `sh test.sh` pass." }, true));
    expect(await elastic()).toMatchObject({ queued: 2, queued_by_labels: [{ labels: ["gpu"], queued: 2 }] });
    script = Bun.spawn([join(REPO, "examples/runner-autoscaler/autoscale.sh")], {
      env: {
        PATH: process.env.PATH ?? "",
        HOME: process.env.HOME ?? "",
        DOCKER_HOST: process.env.DOCKER_HOST,
        TMPDIR: product.dataDir,
        WINDSHIFT_URL: product.server.url,
        WINDSHIFT_TOKEN_FILE: tokenFile,
        POOL: "elastic",
        LABELS: "gpu",
        RUNNERS_MAX: "2",
        INTERVAL_S: "1",
        START: programCommand("windshift-runner").join(" "),
        WS_API_URL: `http://${network.hostAddress}:${new URL(product.server.url).port}/api`,
        WSRUNNER_ALLOW_INSECURE: "1",
        WSRUNNER_IMAGE: process.env.WINDSHIFT_TEST_IMAGE || "windshift/agent:local",
        WSRUNNER_NETWORK: network.name,
        WSRUNNER_MEMORY: "1g",
      },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "inherit",
    });
    for (const { key } of items)
      await eventually(
        `the run of ${key} succeeds`,
        async () => {
          const { runs } = await product.api.get(`/api/v1/items/${key}/agent-runs`, AgentRunList);
          return runs[0]?.status === "succeeded";
        },
        RUN_MS_MAX,
      );
    const { runners } = await eventually(
      "every runner is revoked",
      async () => {
        const pool = await elastic();
        return pool.runners.length > 0 && pool.revoked === pool.runners.length ? pool : undefined;
      },
      RUN_MS_MAX,
    );
    expect(runners).toHaveLength(2);
    script.kill("SIGTERM");
    expect(await script.exited).toBe(0);
    expect(readdirSync(product.dataDir).filter((name) => name.startsWith("autoscale."))).toEqual([]);
  },
  3 * RUN_MS_MAX,
);
