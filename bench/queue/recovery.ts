import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { Binding } from "@windshift/contract/api/binding.ts";
import { AgentRunDetail, AgentRunList } from "@windshift/contract/api/run.ts";
import { ATTEMPT_LABEL, RUN_LABEL } from "@windshift/execution/sandbox-labels.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { readModelScript } from "@windshift/testing/model-script.ts";
import { startScriptedModel } from "@windshift/testing/scripted-model.ts";
import { type BuiltWorkspace, buildWorkspace } from "@windshift/testing/workspace-builder.ts";
import { z } from "zod";
import { type Product, startProduct } from "../../e2e/product.ts";
import { createRunnerHost, type RunnerHost } from "../../e2e/runner-process.ts";
import { ensureEngine } from "../../scripts/setup/ensure-engine.ts";
import type { Bench, BenchReport } from "../bench.ts";
import { absoluteFigure } from "../figure.ts";

/** Bars. Source: PERFORMANCE, "Queue and runners". */
const LOST_MS_MAX = 95_000;
const TOKEN_DEAD_MS_MAX = 1_000;
const GONE_MS_MAX = 20_000;
const ROUNDS = 3;
const KEY = "provider-key-of-the-bench";
const SCENARIOS = join(import.meta.dir, "../../e2e/scenarios");

export const recovery: Bench = {
  name: "recovery",
  about: "a lost runner until its run is queued again, and a cancel until token and container are gone",
  async run(report) {
    const engine = await ensureEngine(report.progress);
    if (engine.kind === "unavailable") throw new Error(`no container engine: ${engine.why}`);
    const product = await startProduct("bench-recovery", { CODING_AGENT_RUNNER_IMAGE: "" });
    const model = await startScriptedModel({
      script: readModelScript(join(SCENARIOS, "09-cancel/model.json")),
      apiKey: KEY,
    });
    try {
      const workspace = await buildWorkspace(product.api, {
        key: "BENCH",
        name: "Bench",
        projectDir: join(SCENARIOS, "01-happy-path/repo"),
        repositoryName: "project",
        agentName: "Agent",
        llm: { baseUrl: model.url, apiKey: KEY, model: "scripted-model" },
      });
      await measure(report, product, workspace);
    } finally {
      await product.stop();
      await model.stop();
      await engine.stop();
    }
  },
};

async function measure(report: BenchReport, product: Product, workspace: BuiltWorkspace): Promise<void> {
  const host = await createRunnerHost(product, "bench");
  const Bindings = z.object({ bindings: z.array(Binding) });
  for (const { id } of (await product.api.get("/api/v1/workspaces/BENCH/bindings", Bindings)).bindings)
    await product.api.patch(`/api/v1/bindings/${id}`, { pool: "bench" }, Binding);
  for (const id of await containersWith(RUN_LABEL)) strangers.add(id);
  const subject = { bench: "recovery", unit: "ms" } as const;
  const dead: number[] = [];
  const gone: number[] = [];
  const runner = host.start();
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const times = await cancel(product, workspace, round);
      dead.push(times.tokenDeadMs);
      gone.push(times.goneMs);
      report.progress(
        `cancel ${round}: token dead ${times.tokenDeadMs.toFixed(0)} ms, gone ${times.goneMs.toFixed(0)} ms`,
      );
    }
  } finally {
    runner.signal("SIGTERM");
    await runner.exited;
  }
  report.figure(absoluteFigure({ ...subject, metric: "cancel to token dead", bar: TOKEN_DEAD_MS_MAX }, dead));
  report.figure(absoluteFigure({ ...subject, metric: "cancel to container gone", bar: GONE_MS_MAX }, gone));
  report.progress("a runner is lost: this takes a minute and a half");
  const lost = await loseRunner(product, workspace, host);
  report.figure(
    absoluteFigure({ ...subject, metric: "lost runner to run queued again", bar: LOST_MS_MAX }, [lost]),
  );
}

async function cancel(product: Product, workspace: BuiltWorkspace, round: number) {
  const run = await startedRun(product, workspace, `Cancel ${round}`);
  const token = await tokenOf(run.id);
  const startedMs = performance.now();
  await product.api.post(`/api/v1/agent-runs/${run.id}/cancel`, {}, z.unknown());
  const since = () => performance.now() - startedMs;
  const [tokenDeadMs, goneMs] = await Promise.all([
    eventually(
      "the token to be dead",
      async () => ((await isAlive(product, token)) ? undefined : since()),
      30_000,
    ),
    eventually(
      "the container to be gone",
      async () => ((await containersOf(run.id)).length === 0 ? since() : undefined),
      60_000,
    ),
  ]);
  return { tokenDeadMs, goneMs };
}

async function loseRunner(product: Product, workspace: BuiltWorkspace, host: RunnerHost): Promise<number> {
  const runner = host.start();
  const run = await startedRun(product, workspace, "Lost");
  runner.signal("SIGKILL");
  await runner.exited;
  const startedMs = performance.now();
  await eventually(
    "the run to be queued again",
    async () => (await product.api.get(`/api/v1/agent-runs/${run.id}`, AgentRunDetail)).status === "queued",
    120_000,
  );
  const tookMs = performance.now() - startedMs;
  await product.api.post(`/api/v1/agent-runs/${run.id}/cancel`, { force: true }, z.unknown());
  for (const id of await containersOf(run.id)) await exec(["docker", "rm", "-f", id], ENGINE);
  return tookMs;
}

/** Containers of runs that were there before: what a killed program left behind has numbers of runs, too. */
const strangers = new Set<string>();

const ENGINE = { env: { PATH: process.env.PATH ?? "" }, timeoutMs: 30_000 };

/** A run whose agent is in its command. */
async function startedRun(product: Product, workspace: BuiltWorkspace, title: string) {
  const item = await workspace.createItem({ title, description: "Wait." }, true);
  return eventually(
    "the agent to work",
    async () => {
      const { runs } = await product.api.get(`/api/v1/items/${item.key}/agent-runs`, AgentRunList);
      const [run] = runs;
      return run?.phase === "agent" && (await containersOf(run.id)).length > 0 ? run : undefined;
    },
    60_000,
  );
}

async function containersOf(run: number): Promise<string[]> {
  return (await containersWith(`${RUN_LABEL}=${run}`)).filter((id) => !strangers.has(id));
}

async function containersWith(label: string): Promise<string[]> {
  const filters = ["--filter", `label=${label}`, "--filter", `label=${ATTEMPT_LABEL}`];
  const { stdout } = await exec(["docker", "ps", "-aq", ...filters], ENGINE);
  return stdout.split("\n").filter((line) => line !== "");
}

/** The agent's token, as its container has it. */
async function tokenOf(run: number): Promise<string> {
  const [id = ""] = await containersOf(run);
  const format = "{{range .Config.Env}}{{println .}}{{end}}";
  const { stdout } = await exec(["docker", "inspect", "--format", format, id], ENGINE);
  const token = /^LLM_API_KEY=(.+)$/m.exec(stdout)?.[1];
  if (token === undefined) throw new Error("the agent's container has no token");
  return token;
}

async function isAlive({ server }: Product, token: string): Promise<boolean> {
  const response = await fetch(`${server.url}/api/llm-proxy/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: "{",
  });
  return response.status !== 401;
}
