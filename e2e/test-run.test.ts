import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { git } from "@windshift/base/git.ts";
import { Binding } from "@windshift/contract/api/binding.ts";
import { AgentRun, AgentRunDetail } from "@windshift/contract/api/run.ts";
import { SkillDetail } from "@windshift/contract/api/skill.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { readScenarios } from "@windshift/testing/scenario.ts";
import { startScriptedModel } from "@windshift/testing/scripted-model.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { buildWorkspace } from "@windshift/testing/workspace-builder.ts";
import { z } from "zod";
import { compileProgram } from "../scripts/build/compile.ts";
import { AGENT_PROGRAM, hostArchitecture } from "../scripts/build/programs.ts";
import { startProduct } from "./product.ts";

const TEST_MS_MAX = 180_000;
const RUN_MS_MAX = 90_000;
const API_KEY = "provider-key-test-run-0123456789";
const bash = (command: string) => ({ tool_calls: [{ name: "bash", args: { command } }] });
/** Reads its skill, does what it says, and tries to get its work out. */
const SCRIPT = [
  bash("ws skill ls && ws skill get 'House style'"),
  bash("printf 'tabs\\n' > STYLE && git add STYLE && git commit --quiet --message 'Say the style'"),
  bash("git push origin HEAD:refs/heads/main 2>&1 || true"),
  { tool_calls: [{ name: "finish", args: { outcome: "completed", summary: "Said it." } }] },
];

let programs: TempDir;
beforeAll(async () => {
  programs = tempDir();
  await compileProgram(AGENT_PROGRAM, hostArchitecture(), programs.path);
}, TEST_MS_MAX);
afterAll(() => programs.remove());

test(
  "a test run reads its skill and leaves a patch that applies; the repository stays as it is",
  async () => {
    const scenario = readScenarios(join(import.meta.dir, "scenarios")).find(
      ({ name }) => name === "01-happy-path",
    );
    if (scenario === undefined) throw new Error("the scenario 01-happy-path is gone");
    const provider = await startScriptedModel({ script: SCRIPT, apiKey: API_KEY });
    const product = await startProduct("test-run", {
      WINDSHIFT_SANDBOX: "unsandboxed",
      WSRUNNER_ALLOW_UNSANDBOXED: "1",
      PATH: `${programs.path}:${process.env.PATH}`,
      CODING_AGENT_RUNNER_IMAGE: "",
      CODING_AGENT_DOCKER_BINARY: "/nonexistent/docker",
      CODING_AGENT_WS_API_URL: "",
    });
    try {
      const { api } = product;
      const { repository } = await buildWorkspace(api, {
        key: "TEST",
        name: "Test",
        projectDir: scenario.projectDir,
        repositoryName: "project",
        agentName: "Agent",
        llm: { baseUrl: provider.url, apiKey: API_KEY, model: "scripted-model" },
      });
      const at = "/api/v1/workspaces/TEST";
      const body = "Use tabs, and say so in STYLE.\n";
      const text = { name: "House style", description: "How files look here", body };
      const skill = await api.post(`${at}/skills`, text, SkillDetail);
      const { bindings } = await api.get(`${at}/bindings`, z.object({ bindings: z.array(Binding) }));
      const binding = `/api/v1/bindings/${bindings[0]?.id}`;
      await api.patch(binding, { skill_ids: [skill.id], enabled: false }, Binding);
      const before = await gitOut(["for-each-ref"], repository.path);
      const { id } = await api.post(`${binding}/test-runs`, { instruction: "Say the style." }, AgentRun);
      const run = await eventually(
        "the run ends",
        async () => {
          const now = await api.get(`/api/v1/agent-runs/${id}`, AgentRunDetail);
          return isTerminal(now.status) ? now : undefined;
        },
        RUN_MS_MAX,
      );
      expect(run).toMatchObject({
        status: "succeeded",
        reason: "completed",
        summary: "Said it.",
        pull_request: null,
        files_changed: [{ path: "STYLE", status: "added", added: 1, deleted: 0 }],
        skills: [{ name: "House style", version: 1, sha256: skill.sha256, read_at: expect.any(String) }],
      });
      expect(run.attempts[0]?.phases.map(({ phase }) => phase)).toEqual([
        "claimed",
        "preparing",
        "agent",
        "exporting",
        "publishing",
      ]);
      expect(JSON.stringify(provider.requests)).toContain("Use tabs, and say so in STYLE.");
      expect(await gitOut(["for-each-ref"], repository.path)).toBe(before);
      const clone = join(programs.path, "clone");
      await gitOut(["clone", "--quiet", repository.path, clone], programs.path);
      const patch = await api.text(`/api/v1/agent-runs/${id}/patch`);
      const applied = await git(["apply"], { cwd: clone, stdin: patch, timeoutMs: 30_000 });
      expect([applied.exitCode, applied.stderr]).toEqual([0, ""]);
      expect(await Bun.file(join(clone, "STYLE")).text()).toBe("tabs\n");
    } finally {
      await product.stop();
      await provider.stop();
    }
  },
  TEST_MS_MAX,
);
