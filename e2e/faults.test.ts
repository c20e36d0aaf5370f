import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Binding } from "@windshift/contract/api/binding.ts";
import { AgentRunDetail, AgentRunList } from "@windshift/contract/api/run.ts";
import { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { isTerminal, type RunReason } from "@windshift/contract/run.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { programCommand } from "@windshift/testing/program-command.ts";
import { readScenarios } from "@windshift/testing/scenario.ts";
import { type ScriptedModel, startScriptedModel } from "@windshift/testing/scripted-model.ts";
import { type BuiltWorkspace, buildWorkspace } from "@windshift/testing/workspace-builder.ts";
import { z } from "zod";
import { type Product, startProduct } from "./product.ts";

/** A run that cannot work ends within this, ms: nobody waits minutes to read that a name is wrong. */
const FAULT_MS_MAX = 25_000;
const TEST_MS_MAX = 45_000;
const API_KEY = "provider-key-of-faults-0123456789";
/** Where nothing listens. */
const CLOSED = "127.0.0.1:1";

let product: Product;
let provider: ScriptedModel;
let workspace: BuiltWorkspace;
beforeAll(async () => {
  const scenarios = readScenarios(join(import.meta.dir, "scenarios"));
  const scenario = scenarios.find(({ name }) => name === "01-happy-path");
  if (scenario === undefined) throw new Error("the scenario 01-happy-path is gone");
  provider = await startScriptedModel({ script: scenario.model, apiKey: API_KEY });
  product = await startProduct("faults");
  workspace = await buildWorkspace(product.api, {
    key: "FAULT",
    name: "Faults",
    projectDir: scenario.projectDir,
    repositoryName: "project",
    agentName: "Agent",
    llm: { baseUrl: provider.url, apiKey: API_KEY, model: "scripted-model" },
  });
}, TEST_MS_MAX);
afterAll(async () => {
  await product?.stop();
  await provider?.stop();
}, TEST_MS_MAX);

/** Starts the server with other settings on the same data. */
async function restart(env: Record<string, string>): Promise<void> {
  await product.server.stop();
  await product.restart(env);
}

/** Assigns a new item to the agent. @returns the run's id */
async function assign(title: string): Promise<number> {
  const item = await workspace.createItem({ title, description: "Make `sh test.sh` pass." }, true);
  const { runs } = await product.api.get(`/api/v1/items/${item.key}/agent-runs`, AgentRunList);
  expect(runs).toHaveLength(1);
  return z.number().parse(runs[0]?.id);
}

function readRun(id: number): Promise<AgentRunDetail> {
  return product.api.get(`/api/v1/agent-runs/${id}`, AgentRunDetail);
}

function ended(id: number): Promise<AgentRunDetail> {
  const look = async () => {
    const run = await readRun(id);
    return isTerminal(run.status) ? run : undefined;
  };
  return eventually(`run ${id} ends`, look, FAULT_MS_MAX);
}

/** The run ended with the reason, and what a person reads has each of the words. */
function expectFailed(run: AgentRunDetail, reason: RunReason, words: readonly string[]): void {
  expect({ status: run.status, reason: run.reason, detail: run.detail }).toMatchObject({
    status: "failed",
    reason,
  });
  for (const text of words) expect(run.detail).toContain(text);
}

interface Fault {
  fault: string;
  env: (product: Product) => Record<string, string>;
  reason: RunReason;
  /** Words of the answer that a person gets. */
  answer: string[];
}

const FAULTS: readonly Fault[] = [
  {
    fault: "the agent image is not there and cannot be pulled",
    env: () => ({ CODING_AGENT_RUNNER_IMAGE: `${CLOSED}/no/such-agent:v1` }),
    reason: "image",
    answer: [`docker pull ${CLOSED}/no/such-agent:v1`, "CODING_AGENT_RUNNER_IMAGE", "Docker daemon"],
  },
  {
    fault: "the network does not exist",
    env: () => ({ CODING_AGENT_NETWORK: "windshift-no-such-network" }),
    reason: "network",
    answer: ["docker network create windshift-no-such-network", "CODING_AGENT_NETWORK=bridge"],
  },
  {
    fault: "the engine cannot be reached",
    env: () => ({ DOCKER_HOST: "unix:///nonexistent/docker.sock" }),
    reason: "engine",
    answer: ["the container engine cannot be reached", "Start the Docker daemon"],
  },
  {
    fault: "the engine's socket may not be used",
    env: ({ dataDir }) => ({ CODING_AGENT_DOCKER_BINARY: dockerOfNobody(dataDir) }),
    reason: "engine",
    answer: ["permission denied talking to the container engine", "must be able to access the Docker daemon"],
  },
  {
    fault: "the engine's program is not installed",
    env: () => ({ CODING_AGENT_DOCKER_BINARY: "/nonexistent/docker" }),
    reason: "engine",
    answer: ["Install Docker or Podman", "CODING_AGENT_DOCKER_BINARY"],
  },
  {
    fault: "the worktree root cannot be written",
    env: ({ dataDir }) => ({ CODING_AGENT_WORKTREE_ROOT: fileIn(dataDir) }),
    reason: "worktree",
    answer: ["is not a folder", "CODING_AGENT_WORKTREE_ROOT"],
  },
  {
    fault: "windshift-triage is not installed",
    env: () => ({ WINDSHIFT_TRIAGE_BIN: "/nonexistent/windshift-triage" }),
    reason: "prepare_failed",
    answer: ["/nonexistent/windshift-triage cannot be started", "install windshift-triage"],
  },
  {
    fault: "containers do not reach the API",
    env: () => ({ CODING_AGENT_WS_API_URL: `http://${CLOSED}/api` }),
    reason: "api_unreachable",
    answer: ["cannot reach Windshift", "CODING_AGENT_WS_API_URL", "localhost inside a container"],
  },
];

/** A command line of the engine whose user may not use the socket. */
function dockerOfNobody(dir: string): string {
  const file = join(dir, "docker-of-nobody");
  writeFileSync(file, `#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups docker "$@"\n`);
  chmodSync(file, 0o755);
  return file;
}

/** A file where a folder should be: unlike a mode, it also stops a server that runs as root. */
function fileIn(dir: string): string {
  const file = join(dir, "file-in-its-place");
  writeFileSync(file, "");
  return file;
}

describe("a run ends and says what to do when", () => {
  for (const { fault, env, reason, answer } of FAULTS)
    test(
      fault,
      async () => {
        await restart(env(product));
        expectFailed(await ended(await assign(fault)), reason, answer);
      },
      TEST_MS_MAX,
    );
});

describe("on a server that can run agents", () => {
  beforeAll(() => restart({}), TEST_MS_MAX);

  test(
    "a disabled binding is told on a failed run, and nothing is claimed",
    async () => {
      const { bindings } = await product.api.get(
        `/api/v1/workspaces/${workspace.key}/bindings`,
        z.object({ bindings: z.array(Binding) }),
      );
      const path = `/api/v1/bindings/${bindings[0]?.id}`;
      await product.api.patch(path, { enabled: false }, Binding);
      const run = await readRun(await assign("Disabled"));
      await product.api.patch(path, { enabled: true }, Binding);
      expectFailed(run, "misconfigured", ["disabled"]);
      expect(run.attempt).toBe(0);
    },
    TEST_MS_MAX,
  );

  test(
    "a base branch that is gone is named, with what to do",
    async () => {
      const { path } = workspace.repository;
      await gitOut(["branch", "--move", "main", "trunk"], path);
      const run = await ended(await assign("No base"));
      await gitOut(["branch", "--move", "trunk", "main"], path);
      expectFailed(run, "prepare_failed", ["no branch main", "another base branch in the binding"]);
    },
    TEST_MS_MAX,
  );
});

test(
  "a run waits and says why while no image is set, and is done once one is",
  async () => {
    await restart({ CODING_AGENT_RUNNER_IMAGE: "" });
    const id = await assign("Queued");
    const waiting = await readRun(id);
    expect([waiting.status, waiting.queued_because?.reason]).toEqual(["queued", "no_live_runner"]);
    expect(waiting.queued_because?.text).toContain("CODING_AGENT_RUNNER_IMAGE is set on the server");
    await restart({});
    const run = await ended(id);
    expect({ status: run.status, reason: run.reason, detail: run.detail }).toMatchObject({
      status: "succeeded",
      reason: "completed",
    });
    const item = await product.api.get(`/api/v1/items/${run.item_key}`, WorkItemDetail);
    expect(item.links.map((link) => link.kind)).toEqual(["pull_request"]);
  },
  TEST_MS_MAX,
);

test("a server with bad settings lists them all and exits 2", async () => {
  const child = Bun.spawn(programCommand("windshift"), {
    env: {
      PATH: process.env.PATH ?? "",
      WINDSHIFT_DATA: join(product.dataDir, "never-made"),
      BASE_URL: "windshift.example.com",
      CODING_AGENT_WORKTREE_ROOT: "relative/worktrees",
      CODING_AGENT_WS_API_URL: "http://windshift.example.com",
      CODING_AGENT_CPUS: "two",
      CODING_AGENT_PIDS_LIMIT: "1",
      DATABASE_URL: "mysql://somewhere/windshift",
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, problems] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect([await child.exited, out]).toEqual([2, ""]);
  const [head, ...lines] = problems.trimEnd().split("\n");
  expect(head).toBe("windshift cannot start; mend these settings:");
  expect(lines.map((line) => line.trim().split(":")[0])).toEqual([
    "BASE_URL",
    "DATABASE_URL",
    "CODING_AGENT_WORKTREE_ROOT",
    "CODING_AGENT_WS_API_URL",
    "CODING_AGENT_PIDS_LIMIT",
    "CODING_AGENT_CPUS",
  ]);
  expect(problems).toContain("write an absolute path");
  expect(problems).toContain("must end in /api");
});
