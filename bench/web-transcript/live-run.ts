import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { Binding } from "@windshift/contract/api/binding.ts";
import { MintedRegistrationToken, Pool } from "@windshift/contract/api/pool.ts";
import { EVENT_BATCH_MAX, HEARTBEAT_INTERVAL_MS } from "@windshift/contract/limits.ts";
import { RegisterReply, RunnerClaimReply } from "@windshift/contract/runner.ts";
import { createRepository } from "@windshift/testing/git-repository.ts";
import { serverEnv, startServerProcess } from "@windshift/testing/server-process.ts";
import { buildWorkspace, setUpServer } from "@windshift/testing/workspace-builder.ts";
import { z } from "zod";
import { freePort } from "../../scripts/setup/free-port.ts";

export const ADMIN = { name: "Ada", email: "ada@example.test", password: "correct horse battery staple" };

export interface BenchEvent {
  type: string;
  data: Record<string, unknown>;
}

/** A real server whose one run is live, and the runner that holds it. */
export interface LiveBenchRun {
  url: string;
  /** Path of the run's own page. */
  page: string;
  item: string;
  /** Sends events as a runner does; resolves when the server has them for good. */
  emit(events: readonly BenchEvent[]): Promise<void>;
  stop(): Promise<void>;
}

export async function startLiveBenchRun(program: string, dir: string): Promise<LiveBenchRun> {
  const projectDir = join(dir, "project");
  await createRepository(projectDir, { files: { "README.md": "bench\n" } });
  const port = await freePort();
  const at = { dataDir: join(dir, "data"), port, containerHost: "127.0.0.1" };
  const server = await startServerProcess({
    argv: [program],
    port,
    logFile: join(dir, "server.log"),
    env: { ...serverEnv(at), BASE_URL: `http://127.0.0.1:${port}`, CODING_AGENT_RUNNER_IMAGE: "" },
  });
  const api = new ApiClient(server.url);
  await setUpServer(api, ADMIN);
  const workspace = await buildWorkspace(api, {
    key: "BENCH",
    name: "Bench",
    projectDir,
    repositoryName: "bench",
    agentName: "Agent",
    llm: { baseUrl: "http://127.0.0.1:9", apiKey: "sk-bench-0123456789", model: "bench-1" },
  });
  const pool = await api.post("/api/v1/admin/pools", { name: "bench" }, Pool);
  const Bindings = z.object({ bindings: z.array(Binding) });
  for (const { id } of (await api.get("/api/v1/workspaces/BENCH/bindings", Bindings)).bindings)
    await api.patch(`/api/v1/bindings/${id}`, { pool: "bench" }, Binding);
  const path = `/api/v1/admin/pools/${pool.id}/registration-tokens`;
  const { token } = await api.post(path, {}, MintedRegistrationToken);
  await workspace.createItem({ title: "A long run", description: "" }, true);
  const { runId, attempt, post, beat } = await claimRun(server.url, token);
  const heart = setInterval(() => void beat(), HEARTBEAT_INTERVAL_MS / 2);
  let seq = 0;
  return {
    url: server.url,
    page: `/items/BENCH-1/runs/${runId}`,
    item: "/items/BENCH-1",
    emit: async (events) => {
      for (let from = 0; from < events.length; from += EVENT_BATCH_MAX) {
        const at = new Date().toISOString();
        const batch = events
          .slice(from, from + EVENT_BATCH_MAX)
          .map((event) => ({ ...event, seq: ++seq, at }));
        await post(`/runs/${runId}/events`, { attempt, events: batch });
      }
    },
    stop: async () => {
      clearInterval(heart);
      await server.stop();
    },
  };
}

async function claimRun(url: string, token: string) {
  const boot = nonce();
  let credential: string | undefined;
  const post = async (path: string, body: object): Promise<unknown> => {
    const response = await fetch(`${url}/api/runner${path}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-windshift-boot": boot,
        ...(credential === undefined ? {} : { authorization: `Bearer ${credential}` }),
      },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path} is answered ${response.status}: ${await response.text()}`);
    return response.json();
  };
  const request = { registration_token: token, name: "bench", nonce: nonce() };
  ({ credential } = RegisterReply.parse(await post("/register", request)));
  const state = { boot, version: "0.1.0", capacity: 1, labels: [] };
  const claim = { ...state, isolation: "container", claim_key: nonce(), api_url: `${url}/api` };
  const { job } = RunnerClaimReply.parse(await post("/claim?wait=10s", claim));
  if (job === null) throw new Error("no job came");
  const { run_id, attempt } = job;
  const beat = () => post("/heartbeat", { ...state, held: [{ run: run_id, attempt }] });
  return { runId: run_id, attempt, post, beat };
}

function nonce(): string {
  return randomBytes(16).toString("hex");
}
