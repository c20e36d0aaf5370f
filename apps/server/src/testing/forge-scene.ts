import { afterAll, beforeAll, expect } from "bun:test";
import type { PullRequestState } from "@windshift/contract/api/pull-request.ts";
import type { AgentRunDetail } from "@windshift/contract/api/run.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { ForgeComment } from "@windshift/forges/forge-client.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { ForgeServer, WebhookEvent } from "@windshift/testing/forges/forge-server.ts";
import { createForgeWorkspace, type ForgeWorkspace } from "./forge-workspace.ts";
import type { TestClient } from "./test-client.ts";
import { startTestServer, type TestServer } from "./test-server.ts";

/** A few requests and git processes each; a loaded machine may take long for them. */
export const FORGE_TEST_MS_MAX = 60_000;

/** Gives the tests of one file, or of one `describe`, a forge, a server and a workspace on both. */
export function useForgeScene<F extends ForgeServer>(start: () => Promise<F>, key: string): ForgeScene<F> {
  const scene = new ForgeScene<F>();
  beforeAll(() => scene.start(start, key), FORGE_TEST_MS_MAX);
  afterAll(() => scene.stop(), FORGE_TEST_MS_MAX);
  return scene;
}

/** What the tests of a forge do over and over. */
export class ForgeScene<F extends ForgeServer = ForgeServer> {
  private parts: { forge?: F; server?: TestServer; admin?: TestClient; workspace?: ForgeWorkspace } = {};

  async start(start: () => Promise<F>, key: string): Promise<void> {
    const forge = await start();
    this.parts.forge = forge;
    const server = await startTestServer();
    this.parts.server = server;
    const admin = await server.setUp();
    this.parts.admin = admin;
    this.parts.workspace = await createForgeWorkspace(server, admin, forge, key);
  }

  async stop(): Promise<void> {
    await this.parts.workspace?.stop();
    await this.parts.server?.close();
    await this.parts.forge?.stop();
  }

  get forge(): F {
    return started(this.parts.forge);
  }
  get server(): TestServer {
    return started(this.parts.server);
  }
  get admin(): TestClient {
    return started(this.parts.admin);
  }
  get workspace(): ForgeWorkspace {
    return started(this.parts.workspace);
  }

  /** Runs of an item as its page lists them, the newest first. */
  async runsOf(key: string): Promise<AgentRunDetail[]> {
    const { body } = await this.admin.get<{ runs: AgentRunDetail[] }>(`/api/v1/items/${key}/agent-runs`);
    return body.runs;
  }

  async readRun(id: number): Promise<AgentRunDetail> {
    return (await this.admin.get<AgentRunDetail>(`/api/v1/agent-runs/${id}`)).body;
  }

  async newestRun(key: string): Promise<AgentRunDetail> {
    const [run] = await this.runsOf(key);
    if (run === undefined) throw new Error(`${key} has no run`);
    return this.readRun(run.id);
  }

  /** Takes the newest run of an item, which must not end instead. */
  async claimed(key: string): Promise<JobSpec> {
    const job = await this.workspace.claim(key);
    if (job === undefined) throw new Error(`the run of ${key} could not be started`);
    return job;
  }

  /** An item whose pull request is open. */
  async proposed(files: Record<string, string> = { "fix.txt": "fixed\n" }) {
    const key = await this.workspace.assign();
    await this.workspace.work(await this.claimed(key), files);
    const run = await this.workspace.ended(key);
    expect({ status: run.status, detail: run.detail, steps: run.steps.filter((s) => s.detail) }).toEqual({
      status: "succeeded",
      detail: null,
      steps: [],
    });
    const pull = run.pull_request;
    if (pull === null) throw new Error("the run has no pull request");
    return { key, run, pull };
  }

  /** Sends a webhook of the forge, by default signed with the connection's secret. */
  async deliver(
    headers: Record<string, string>,
    body: Uint8Array,
    connection: number = this.workspace.connection.id,
  ): Promise<Response> {
    const at = `${this.server.url}/api/webhooks/${connection}`;
    return fetch(at, { method: "POST", headers, body: new Uint8Array(body) });
  }

  /** A delivery as the forge would send it. */
  signed(event: WebhookEvent, number: number) {
    return this.forge.webhook(event, number, this.workspace.connection.webhook_secret ?? "");
  }

  /** Has the server look at a pull request at once. */
  async lookNow(number: number): Promise<void> {
    const { headers, body } = this.signed("comment", number);
    expect((await this.deliver(headers, body)).status).toBe(202);
  }

  /** A person with write access writes below a pull request, and the server is told. */
  async say(number: number, body: string, login: string = this.forge.people.writer): Promise<void> {
    await this.forge.comment(number, login, body);
    await this.lookNow(number);
  }

  /** All that stands below a pull request. */
  async written(number: number): Promise<ForgeComment[]> {
    const { forge, server, workspace } = this;
    const read = await server.forgeClients.use(workspace.connection.id, (client) =>
      client.listComments(forge.repository, number, undefined),
    );
    return read.comments;
  }

  /** What became of the comments that called the agent. */
  async outcomes(pull: number): Promise<string[]> {
    const rows = await this.server.database.kysely
      .selectFrom("forge_comments")
      .select("outcome")
      .where("pull_request_id", "=", pull)
      .execute();
    return rows.map((row) => row.outcome).toSorted();
  }

  /** Whether something is still to be said of a comment there, now or when its run ends. */
  async hasUntold(pull: number): Promise<boolean> {
    const row = await this.server.database.kysely
      .selectFrom("forge_comments")
      .select("comment")
      .where("pull_request_id", "=", pull)
      .where("tell_at_ms", "is not", null)
      .executeTakeFirst();
    return row !== undefined;
  }

  pullRow(id: number) {
    const rows = this.server.database.kysely.selectFrom("pull_requests").selectAll();
    return rows.where("id", "=", id).executeTakeFirstOrThrow();
  }

  /** Waits until the server has looked at a pull request since the last word of it. */
  async looked(id: number): Promise<void> {
    await eventually(
      "the pull request was looked at",
      async () => (await this.pullRow(id)).synced_at_ms !== null,
    );
  }

  async stateIs(id: number, state: PullRequestState): Promise<void> {
    await eventually(`the pull request is ${state}`, async () => (await this.pullRow(id)).state === state);
  }
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error("the scene is used before it was started");
  return part;
}
