import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Binding } from "@windshift/contract/api/binding.ts";
import { RunnerPoolsReply } from "@windshift/contract/api/pool.ts";
import { AgentRunList } from "@windshift/contract/api/run.ts";
import { DockerCli, dockerCliEnv } from "@windshift/execution/docker-cli.ts";
import { INSTANCE_LABEL, RUN_LABEL } from "@windshift/execution/sandbox-labels.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { readScenarios } from "@windshift/testing/scenario.ts";
import { type BuiltWorkspace, buildWorkspace } from "@windshift/testing/workspace-builder.ts";
import { z } from "zod";
import { type Product, startProduct } from "./product.ts";
import { createRunnerHost, type RunnerHost, type RunnerProcess } from "./runner-process.ts";

/** The credential of a host while a real agent works there, and on a second host. */
const KEY = "provider-key-of-the-credential-test";
const STEP_MS_MAX = 90_000;
/** Tokens of ours that a host or a run has. */
const TOKEN = /ws(?:rt|rc|run)_[A-Za-z0-9_-]{20,}/g;

let product: Product;
/** Never answers, so that the agent stays at work for as long as a test looks. */
let model: Bun.Server<undefined>;
let workspace: BuiltWorkspace;
let host: RunnerHost;
let running: RunnerProcess[] = [];
const docker = new DockerCli({
  docker: process.env.CODING_AGENT_DOCKER_BINARY ?? "docker",
  env: dockerCliEnv(process.env),
});

beforeAll(async () => {
  const [scenario] = readScenarios(join(import.meta.dir, "scenarios"));
  if (scenario === undefined) throw new Error("there are no scenarios");
  product = await startProduct("runner-credential", { CODING_AGENT_RUNNER_IMAGE: "" });
  model = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: () => new Promise(() => {}) });
  workspace = await buildWorkspace(product.api, {
    key: "CRED",
    name: "Credential",
    projectDir: scenario.projectDir,
    repositoryName: "project",
    agentName: "Agent",
    llm: { baseUrl: `http://127.0.0.1:${model.port}`, apiKey: KEY, model: "scripted-model" },
  });
  host = await createRunnerHost(product, "host-1");
  const { bindings } = await product.api.get(
    "/api/v1/workspaces/CRED/bindings",
    z.object({ bindings: z.array(Binding) }),
  );
  for (const { id } of bindings)
    await product.api.patch(`/api/v1/bindings/${id}`, { pool: host.pool.name }, Binding);
}, 120_000);
afterEach(async () => {
  for (const runner of running) runner.signal("SIGKILL");
  for (const runner of running) await runner.exited;
  running = [];
  for (const root of [host.cacheRoot, secondRoot()])
    for (const id of await containersOf(root, ["--all"])) await docker.call(["rm", "--force", id]);
}, 60_000);
afterAll(async () => {
  await product?.stop();
  await model?.stop(true);
}, 60_000);

function start(env: Record<string, string> = {}): RunnerProcess {
  const runner = host.start({ WSRUNNER_CAPACITY: "4", ...env });
  running.push(runner);
  return runner;
}

const secondRoot = () => join(product.dataDir, "second-host");

/** Ids of the containers of a host, by the folder of all it keeps. */
async function containersOf(root: string, more: readonly string[] = []): Promise<string[]> {
  const file = join(root, "instance");
  if (!existsSync(file)) return [];
  const label = `label=${INSTANCE_LABEL}=${readFileSync(file, "utf8").trim()}`;
  const answer = await docker.call(["ps", "--quiet", "--no-trunc", ...more, "--filter", label]);
  if (answer.kind === "failed") throw new Error(answer.message);
  return answer.stdout.split("\n").filter(Boolean);
}

/** @returns the container of the item's run */
async function agentAtWork(item: string): Promise<string> {
  return eventually(
    "the agent works in its container",
    async () => {
      const [run] = (await product.api.get(`/api/v1/items/${item}/agent-runs`, AgentRunList)).runs;
      if (run?.phase !== "agent") return undefined;
      return (await containersOf(host.cacheRoot, ["--filter", `label=${RUN_LABEL}=${run.id}`]))[0];
    },
    STEP_MS_MAX,
  );
}

/** What these processes, and all that they started, were started with. Others on this machine may have tokens there: hostile agents do. */
function commandLinesOf(pids: readonly number[]): string[] {
  const read = (pid: number, file: string) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, "utf8");
    } catch {
      return ""; // it has ended
    }
  };
  const all = readdirSync("/proc").map(Number).filter(Number.isInteger);
  // Behind the name, in parentheses, stand the state and the parent.
  const parents = all.map(
    (pid) => [pid, Number(read(pid, "stat").split(") ").at(-1)?.split(" ")[1])] as const,
  );
  const ours = new Set(pids);
  for (let known = 0; known !== ours.size; ) {
    known = ours.size;
    for (const [pid, parent] of parents) if (ours.has(parent)) ours.add(pid);
  }
  return [...ours].map((pid) => read(pid, "cmdline"));
}

describe("the credential of a runner host", () => {
  test(
    "RT-10 is a file of its owner alone: not in any command line, log line, mount or environment of the agent",
    async () => {
      const runner = start();
      const item = await workspace.createItem({ title: "Look around", description: "Look." }, true);
      const container = await agentAtWork(item.key);
      const file = join(host.cacheRoot, "credential");
      const credential = readFileSync(file, "utf8").trim();
      expect([statSync(file).mode & 0o777, statSync(file).uid]).toEqual([0o600, process.getuid?.() ?? -1]);

      const lines = commandLinesOf([runner.pid, product.server.pid]).join("\n");
      // The engine's program, by which the runner hears its container, is among them.
      expect(lines).toContain(container.slice(0, 12));
      expect(lines.match(TOKEN)).toBeNull();
      const inside = await docker.call(["exec", container, "sh", "-c", "cat /proc/[0-9]*/cmdline"]);
      if (inside.kind === "failed") throw new Error(inside.message);
      expect(inside.stdout).toContain("windshift-agent");
      expect(inside.stdout.match(TOKEN)).toBeNull();
      const inspected = await docker.call(["inspect", container]);
      if (inspected.kind === "failed") throw new Error(inspected.message);
      const [about] = z
        .array(
          z.object({
            Mounts: z.array(z.object({ Source: z.string() })),
            Config: z.object({ Env: z.array(z.string()) }),
          }),
        )
        .parse(JSON.parse(inspected.stdout));
      if (about === undefined) throw new Error("the container is gone");
      expect(inspected.stdout).not.toContain(credential);
      expect(inspected.stdout).not.toMatch(/ws(?:rt|rc)_/);
      for (const { Source } of about.Mounts) {
        expect([Source, file.startsWith(`${Source}/`)]).toEqual([Source, false]);
        expect(Source).toStartWith(join(host.cacheRoot, "worktrees/run-"));
      }
      // Its own token is all it has, of the two that the run has.
      const tokens = about.Config.Env.flatMap((line) => line.match(TOKEN) ?? []);
      expect(new Set(tokens).size).toBe(1);
      expect(tokens[0]).toStartWith("wsrun_");
      const found = await docker.call([
        ...["exec", container, "sh", "-c"],
        `grep -rslF -e wsrc_ -e wsrt_ /workspace /home /tmp /etc /run 2>/dev/null; env | grep -c -e wsrc_ -e wsrt_; true`,
      ]);
      expect(found.kind === "ok" ? found.stdout.trim() : found.message).toBe("0");
      expect((await runner.log()).match(TOKEN)).toBeNull();
      expect(await product.server.logTail()).not.toMatch(/wsr[tc]_[A-Za-z0-9_-]{20,}/);
    },
    2 * STEP_MS_MAX,
  );

  test(
    "RT-08 copied to a second host: the older ends its container and itself, and says why; the newer goes on",
    async () => {
      const older = start();
      const item = await workspace.createItem({ title: "Fenced", description: "Wait." }, true);
      const container = await agentAtWork(item.key);
      const copied = secondRoot();
      await mkdir(copied, { recursive: true });
      await cp(join(host.cacheRoot, "credential"), join(copied, "credential"));
      const newer = start({ WSRUNNER_CACHE_ROOT: copied, WSRUNNER_REGISTRATION_TOKEN: "" });
      expect(await older.exited).toBe(6);
      expect(newer.pid).not.toBe(older.pid);
      const left = await docker.call(["ps", "--all", "--quiet", "--no-trunc", "--filter", `id=${container}`]);
      expect(left).toMatchObject({ kind: "ok", stdout: "" });
      expect(await older.log()).toContain("another start of this runner has taken its place");
      expect(await older.log()).toContain("give each host a registration token of its own");
      const alerted = await eventually(
        "an administrator is told",
        async () => {
          const { pools } = await product.api.get("/api/v1/admin/diagnostics/runner-pools", RunnerPoolsReply);
          return pools
            .find(({ pool }) => pool === host.pool.name)
            ?.runners.find(({ alert }) => alert !== null);
        },
        STEP_MS_MAX,
      );
      expect(alerted.alert).toContain("used on two hosts");
      await eventually(
        "the newer start has the run",
        async () => {
          const [run] = (await product.api.get(`/api/v1/items/${item.key}/agent-runs`, AgentRunList)).runs;
          return run?.attempt === 2 && run.phase === "agent";
        },
        STEP_MS_MAX,
      );
    },
    3 * STEP_MS_MAX,
  );
});
