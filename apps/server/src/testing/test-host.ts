import { randomBytes } from "node:crypto";
import type { MintedRegistrationToken, Pool } from "@windshift/contract/api/pool.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { HostState, RegisterReply } from "@windshift/contract/runner.ts";
import type { Reply, TestClient } from "./test-client.ts";
import type { TestServer } from "./test-server.ts";
import { create } from "./test-workspace.ts";

export interface ErrorReply {
  error: { code: string; message: string };
}

export const newNonce = () => randomBytes(16).toString("hex");

/** A runner host as the server sees one, over real HTTP. */
export class TestHost {
  readonly state: HostState = {
    boot: newNonce(),
    version: "0.1.0",
    capacity: 1,
    labels: [],
    draining: false,
  };
  private key = newNonce();

  constructor(
    readonly server: TestServer,
    readonly registered: RegisterReply,
    readonly client = server.withToken(registered.credential),
  ) {}

  /** The same host after a restart: another start, the same credential. */
  restarted(): TestHost {
    const next = new TestHost(this.server, this.registered);
    Object.assign(next.state, { ...this.state, boot: newNonce() });
    return next;
  }

  /** @param key one of its own by default, which is used until it brings a job */
  async claim(wait = "0s", key = this.key): Promise<Reply<{ job: JobSpec | null } & ErrorReply>> {
    const reply = await this.client.post<{ job: JobSpec | null } & ErrorReply>(
      `/api/runner/claim?wait=${wait}`,
      {
        ...this.state,
        claim_key: key,
        api_url: `${this.server.url}/api`,
        isolation: "container",
      },
    );
    if (reply.body.job) this.key = newNonce();
    return reply;
  }

  /** @throws Error when none came */
  async claimed(wait = "0s"): Promise<JobSpec> {
    const { job } = (await this.claim(wait)).body;
    if (!job) throw new Error("no job came");
    return job;
  }

  heartbeat(held: readonly { run: number; attempt: number }[] = []) {
    return this.client.post<{ abort: unknown[]; queue_depth: number; drain: boolean } & ErrorReply>(
      "/api/runner/heartbeat",
      { ...this.state, held },
    );
  }

  notices(held: readonly object[], wait = "0s") {
    return this.client.post<{ news: { kind: string; id?: number }[] } & ErrorReply>(
      `/api/runner/notices?wait=${wait}`,
      {
        boot: this.state.boot,
        held,
      },
    );
  }

  events(run: number, attempt: number, events: readonly object[]) {
    return this.client.post<{ acked_seq: number } & ErrorReply>(
      `/api/runner/runs/${run}/events`,
      { attempt, events },
      { "x-windshift-boot": this.state.boot },
    );
  }

  result(run: number, result: object) {
    return this.client.post<ErrorReply>(`/api/runner/runs/${run}/result`, result, {
      "x-windshift-boot": this.state.boot,
    });
  }
}

/**
 * Makes a pool over HTTP.
 * @param pool the body of the request
 */
export function createPool(admin: TestClient, pool: object): Promise<Pool> {
  return create(admin, "/api/v1/admin/pools", pool);
}

/** A registration token of the pool as its administrator gets it, the secret with it. */
export function mintToken(admin: TestClient, pool: Pool): Promise<MintedRegistrationToken> {
  return create(admin, `/api/v1/admin/pools/${pool.id}/registration-tokens`, {});
}

/** Registers one more host of the pool. */
export async function addHost(server: TestServer, admin: TestClient, pool: Pool): Promise<TestHost> {
  const { token } = await mintToken(admin, pool);
  const reply = await server.stranger().post<RegisterReply>("/api/runner/register", {
    registration_token: token,
    name: "host",
    nonce: newNonce(),
  });
  return new TestHost(server, reply.body);
}

/** An event as a host sends it. */
export function eventOf(seq: number, text = `piece ${seq}`) {
  return { seq, at: "2026-01-01T00:00:00.000Z", type: "content", data: { text } };
}
