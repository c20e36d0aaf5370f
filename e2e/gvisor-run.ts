import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { Binding } from "@windshift/contract/api/binding.ts";
import { AgentRunDetail, AgentRunList } from "@windshift/contract/api/run.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { dockerCliEnv } from "@windshift/execution/docker-cli.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { readScenarios } from "@windshift/testing/scenario.ts";
import { type ScriptedModel, startScriptedModel } from "@windshift/testing/scripted-model.ts";
import { buildWorkspace } from "@windshift/testing/workspace-builder.ts";
import { z } from "zod";
import { type OwnEngine, startOwnEngine } from "./own-engine.ts";
import { type Product, startProduct } from "./product.ts";
import { createRunnerHost, type RunnerProcess } from "./runner-process.ts";

/**
 * bun e2e/gvisor-run.ts, as root on Linux with gVisor's runsc on the PATH (Debian: apt-get install runsc): one run on a runner host with
 * WSRUNNER_RUNTIME=runsc, on an engine of its own that has the runtime and the agent image. Prints how it ended; exit code 1 unless it
 * came to its pull request (SB-27).
 */
const KEY = "provider-key-of-the-gvisor-run";
const IMAGE = process.env.WINDSHIFT_TEST_IMAGE || "windshift/agent:local";
const COPY_MS_MAX = 300_000;
const RUN_MS_MAX = 300_000;

/** gVisor's own network wants a root namespace that containers in containers do not have; the container's namespace stays its own. */
async function runtimeIn(dir: string): Promise<string> {
  const file = join(dir, "runsc-host-network");
  await Bun.write(file, '#!/bin/sh\nexec runsc --network=host "$@"\n');
  await chmod(file, 0o755);
  return file;
}

async function copyImage(to: OwnEngine): Promise<void> {
  const script = 'docker save "$0" | DOCKER_HOST="$1" docker load';
  const argv = ["sh", "-c", script, IMAGE, to.env.DOCKER_HOST ?? ""];
  const copied = await exec(argv, { env: dockerCliEnv(process.env), timeoutMs: COPY_MS_MAX });
  if (copied.exitCode !== 0) throw new Error(copied.stderr);
}

async function runOn(product: Product, model: ScriptedModel, projectDir: string): Promise<AgentRunDetail> {
  const workspace = await buildWorkspace(product.api, {
    key: "GVISOR",
    name: "gVisor",
    projectDir,
    repositoryName: "project",
    agentName: "Agent",
    llm: { baseUrl: model.url, apiKey: KEY, model: "scripted-model" },
  });
  const host = await createRunnerHost(product, "gvisor");
  const list = z.object({ bindings: z.array(Binding) });
  const { bindings } = await product.api.get("/api/v1/workspaces/GVISOR/bindings", list);
  for (const { id } of bindings)
    await product.api.patch(`/api/v1/bindings/${id}`, { pool: host.pool.name }, Binding);
  const runner: RunnerProcess = host.start({ WSRUNNER_RUNTIME: "runsc" });
  try {
    const item = await workspace.createItem(
      { title: "Under gVisor", description: "Make `sh test.sh` pass." },
      true,
    );
    const ended = async () => {
      const [run] = (await product.api.get(`/api/v1/items/${item.key}/agent-runs`, AgentRunList)).runs;
      if (run === undefined || !isTerminal(run.status)) return undefined;
      return product.api.get(`/api/v1/agent-runs/${run.id}`, AgentRunDetail);
    };
    return await eventually("the run ends", ended, RUN_MS_MAX);
  } finally {
    runner.signal("SIGTERM");
    await runner.exited;
  }
}

async function main(): Promise<number> {
  const [scenario] = readScenarios(join(import.meta.dir, "scenarios"));
  if (scenario === undefined) throw new Error("there are no scenarios");
  await using all = new AsyncDisposableStack();
  const product = await startProduct("gvisor-run", { CODING_AGENT_RUNNER_IMAGE: "" });
  all.defer(() => product.stop());
  const model = await startScriptedModel({ script: scenario.model, apiKey: KEY });
  all.defer(() => model.stop());
  const engine = await startOwnEngine(["--add-runtime", `runsc=${await runtimeIn(product.dataDir)}`]);
  all.defer(() => engine.stop());
  await copyImage(engine);
  // Where the runner, and the network of its agents, are looked for.
  process.env.DOCKER_HOST = engine.env.DOCKER_HOST;
  const { status, reason, detail } = await runOn(product, model, scenario.projectDir);
  process.stdout.write(`${status} ${reason} ${detail ?? ""}\n`);
  return status === "succeeded" ? 0 : 1;
}

process.exit(await main());
