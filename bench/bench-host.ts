import { randomBytes } from "node:crypto";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { Binding } from "@windshift/contract/api/binding.ts";
import { MintedRegistrationToken, Pool } from "@windshift/contract/api/pool.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { RegisterReply, RunnerClaimReply } from "@windshift/contract/runner.ts";
import type { ServerProcess } from "@windshift/testing/server-process.ts";
import { type BuiltWorkspace, buildWorkspace, setUpServer } from "@windshift/testing/workspace-builder.ts";
import { z } from "zod";

export const ADMIN = { name: "Ada", email: "ada@example.test", password: "correct horse battery staple" };

/** A server with one workspace whose agent's runs go to a pool of hosts. */
export interface BenchPool {
  workspace: BuiltWorkspace;
  /** One more host of the pool, registered as a runner is. */
  addHost(capacity: number): Promise<BenchHost>;
}

/** What a runner host says to the server, without the work: it prepares, starts and pushes nothing. */
export interface BenchHost {
  identity: BenchHostIdentity;
  /** @throws Error when no run is queued for 10 s */
  claim(): Promise<JobSpec>;
  /** A claim that waits for nothing. @returns the status of the answer, and the job of a run, if one was queued */
  tryClaim(): Promise<{ status: number; job: JobSpec | null }>;
  beat(held: readonly { run: number; attempt: number }[]): Promise<void>;
  /** Resolves when the server has them for good. @param events numbered from the last one on; at most a batch */
  sendEvents(job: JobSpec, events: readonly BenchHostEvent[]): Promise<void>;
}

/** All that it takes to speak for a host, from another process too. */
export const BenchHostIdentity = z.object({
  url: z.url(),
  credential: z.string(),
  boot: z.string(),
  capacity: z.int(),
});
export type BenchHostIdentity = z.infer<typeof BenchHostIdentity>;

export interface BenchHostEvent {
  seq: number;
  at: string;
  type: string;
  data: Record<string, unknown>;
}

/** @param server a new one, without local runs. */
export async function createBenchPool(
  { url }: Pick<ServerProcess, "url">,
  projectDir: string,
): Promise<BenchPool> {
  const api = new ApiClient(url);
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
  return {
    workspace,
    addHost: async (capacity) => {
      const { token } = await api.post(path, {}, MintedRegistrationToken);
      return register(url, token, capacity);
    },
  };
}

async function register(url: string, token: string, capacity: number): Promise<BenchHost> {
  const response = await fetch(`${url}/api/runner/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ registration_token: token, name: "bench", nonce: nonce() }),
  });
  if (!response.ok) throw new Error(`registration is answered ${response.status}: ${await response.text()}`);
  const { credential } = RegisterReply.parse(await response.json());
  return connectHost({ url, credential, boot: nonce(), capacity });
}

/** Speaks for a host that is registered. */
export function connectHost(identity: BenchHostIdentity): BenchHost {
  const { url, credential, boot, capacity } = identity;
  const send = (path: string, body: object) =>
    fetch(`${url}/api/runner${path}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-windshift-boot": boot,
        authorization: `Bearer ${credential}`,
      },
      body: JSON.stringify(body),
    });
  const post = async (path: string, body: object): Promise<unknown> => {
    let response = await send(path, body);
    // As a host does that has more to say than it may.
    while (response.status === 429) {
      await Bun.sleep(1_000 * Number(response.headers.get("retry-after") ?? 1));
      response = await send(path, body);
    }
    if (!response.ok) throw new Error(`${path} is answered ${response.status}: ${await response.text()}`);
    return response.json();
  };
  const state = { boot, version: "0.1.0", capacity, labels: [] };
  const wish = () => ({ ...state, isolation: "container", claim_key: nonce(), api_url: `${url}/api` });
  return {
    identity,
    tryClaim: async () => {
      const response = await send("/claim?wait=0s", wish());
      const body: unknown = await response.json();
      return { status: response.status, job: response.ok ? RunnerClaimReply.parse(body).job : null };
    },
    claim: async () => {
      const { job } = RunnerClaimReply.parse(await post("/claim?wait=10s", wish()));
      if (job === null) throw new Error("no job came");
      return job;
    },
    beat: async (held) => {
      await post("/heartbeat", { ...state, held });
    },
    sendEvents: async ({ run_id, attempt }, events) => {
      await post(`/runs/${run_id}/events`, { attempt, events });
    },
  };
}

function nonce(): string {
  return randomBytes(16).toString("hex");
}
