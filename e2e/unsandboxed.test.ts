import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { PullRequestDetail } from "@windshift/contract/api/pull-request.ts";
import { AgentRunDetail, AgentRunList } from "@windshift/contract/api/run.ts";
import { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { programCommand } from "@windshift/testing/program-command.ts";
import { readScenarios } from "@windshift/testing/scenario.ts";
import { startScriptedModel } from "@windshift/testing/scripted-model.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { buildWorkspace } from "@windshift/testing/workspace-builder.ts";
import { compileProgram } from "../scripts/build/compile.ts";
import { AGENT_PROGRAM, hostArchitecture } from "../scripts/build/programs.ts";
import { startProduct } from "./product.ts";

const TEST_MS_MAX = 120_000;
const RUN_MS_MAX = 60_000;
const API_KEY = "provider-key-unsandboxed-0123456789";
const UNSANDBOXED = { WINDSHIFT_SANDBOX: "unsandboxed", WSRUNNER_ALLOW_UNSANDBOXED: "1" };

let programs: TempDir;
beforeAll(async () => {
  programs = tempDir();
  await compileProgram(AGENT_PROGRAM, hostArchitecture(), programs.path);
}, TEST_MS_MAX);
afterAll(() => programs.remove());

test("agents without a sandbox are refused unless they are permitted in so many words", async () => {
  for (const permission of ["", "0"]) {
    const child = Bun.spawn(programCommand("windshift"), {
      env: {
        PATH: process.env.PATH ?? "",
        WINDSHIFT_DATA: join(programs.path, "never-made"),
        ...UNSANDBOXED,
        WSRUNNER_ALLOW_UNSANDBOXED: permission,
      },
      stdout: "ignore",
      stderr: "pipe",
    });
    const problems = await new Response(child.stderr).text();
    expect(await child.exited).toBe(2);
    expect(problems).toContain("WINDSHIFT_SANDBOX: unsandboxed agents can do whatever this server can");
    expect(problems).toContain("WSRUNNER_ALLOW_UNSANDBOXED=1");
  }
});

test(
  "without a container engine an assignment becomes a draft pull request that says it is unsafe",
  async () => {
    const scenarios = readScenarios(join(import.meta.dir, "scenarios"));
    const scenario = scenarios.find(({ name }) => name === "01-happy-path");
    if (scenario === undefined) throw new Error("the scenario 01-happy-path is gone");
    const provider = await startScriptedModel({ script: scenario.model, apiKey: API_KEY });
    const product = await startProduct("unsandboxed", {
      ...UNSANDBOXED,
      PATH: `${programs.path}:${process.env.PATH}`,
      // Whoever asks for a container here gets none.
      CODING_AGENT_RUNNER_IMAGE: "",
      CODING_AGENT_DOCKER_BINARY: "/nonexistent/docker",
      CODING_AGENT_WS_API_URL: "",
    });
    try {
      const { api } = product;
      const workspace = await buildWorkspace(api, {
        key: "UNSAFE",
        name: "Unsafe",
        projectDir: scenario.projectDir,
        repositoryName: "project",
        agentName: "Agent",
        llm: { baseUrl: provider.url, apiKey: API_KEY, model: "scripted-model" },
      });
      const { key } = await workspace.createItem(scenario.scenario.item, true);
      const { runs } = await api.get(`/api/v1/items/${key}/agent-runs`, AgentRunList);
      const run = await eventually(
        "the run ends",
        async () => {
          const now = await api.get(`/api/v1/agent-runs/${runs[0]?.id}`, AgentRunDetail);
          return isTerminal(now.status) ? now : undefined;
        },
        RUN_MS_MAX,
      );
      expect(run).toMatchObject({ status: "succeeded", reason: "completed", isolation: "unsandboxed" });
      const files = Object.entries(scenario.scenario.expect.files);
      expect(files.length).toBeGreaterThan(0);
      for (const [file, text] of files)
        expect(await gitOut(["show", `${run.branch}:${file}`], workspace.repository.path)).toContain(
          text ?? "",
        );
      const { links } = await api.get(`/api/v1/items/${key}`, WorkItemDetail);
      const [link] = links.filter(({ kind }) => kind === "pull_request");
      const pull = await api.get(`/api/v1/pull-requests/${link?.url.split("/").at(-1)}`, PullRequestDetail);
      expect(pull.draft).toBe(true);
      expect(pull.body).toContain("**Unsafe**: this run was made without a container.");
      expect(await product.server.logTail()).toContain("UNSAFE");
    } finally {
      await product.stop();
      await provider.stop();
    }
  },
  TEST_MS_MAX,
);
