import { mkdtemp } from "node:fs/promises";
import { dirname, join } from "node:path";
import { git } from "@windshift/base/git.ts";
import type { Binding } from "@windshift/contract/api/binding.ts";
import type { Connection, ConnectionWithSecret } from "@windshift/contract/api/connection.ts";
import type { Repository } from "@windshift/contract/api/repository.ts";
import type { AgentRunDetail } from "@windshift/contract/api/run.ts";
import type { UserRef } from "@windshift/contract/api/user.ts";
import { assert } from "@windshift/contract/app-error.ts";
import { Oid } from "@windshift/contract/ids.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { ForgeServer } from "@windshift/testing/forges/forge-server.ts";
import { commitTree } from "@windshift/testing/git-repository.ts";
import { runForgeLoop } from "../forges/sync-loop.ts";
import type { Log } from "../http/log.ts";
import { getLocalPoolId } from "../pools/pool-store.ts";
import { registerRunner } from "../runners/runner-store.ts";
import { claimJob, createControlPlane } from "../runs/control-plane.ts";
import { runPublishingLoop } from "../runs/publishing-loop.ts";
import type { TestClient } from "./test-client.ts";
import type { TestServer } from "./test-server.ts";
import { create, createItem } from "./test-workspace.ts";

/** A workspace whose agent works on a repository of a forge, and the loops of a server that finish its runs. */
export interface ForgeWorkspace {
  key: string;
  agent: UserRef;
  connection: ConnectionWithSecret;
  repository: Repository;
  binding: Binding;
  /** Makes an item of the agent; its run is queued. @returns the item's key */
  assign(title?: string): Promise<string>;
  /** Takes the item's newest run as a runner would; undefined when it ends instead. */
  claim(itemKey: string): Promise<JobSpec | undefined>;
  /** Does the job's work: commits these files on its branch, pushes them through the git broker and reports. */
  work(job: JobSpec, files: Record<string, string>, summary?: string): Promise<void>;
  /** Only commits and pushes. @returns the commit */
  push(job: JobSpec, files: Record<string, string>): Promise<string>;
  /** Reports that the agent has ended its work, with `headOid` as the head of its branch. */
  report(job: JobSpec, headOid: string, summary?: string): Promise<void>;
  /** Waits for the end of an item's newest run. */
  ended(itemKey: string): Promise<AgentRunDetail>;
  stop(): Promise<void>;
}

/** What a git client may take on a loaded machine, ms. */
const GIT_MS_MAX = 30_000;
const RUN_MS_MAX = 30_000;
/** Between looks for what is due on the forge, ms: what no signal tells of is seen soon, and the database has its rest. */
const LOOK_MS = 200;

/** Makes a workspace through the API whose repository is the one on the forge, and begins to look for what is due there, until `stop`. */
export async function createForgeWorkspace(
  server: TestServer,
  admin: TestClient,
  forge: ForgeServer,
  key: string,
): Promise<ForgeWorkspace> {
  const at = `/api/v1/workspaces/${key}`;
  await create(admin, "/api/v1/workspaces", { key, name: `Workspace ${key}` });
  const connection = await create<ConnectionWithSecret>(admin, `${at}/connections`, {
    kind: "git",
    provider: forge.kind,
    name: "forge",
    base_url: forge.url,
    token: forge.tokens.full,
  });
  const llm = await create<Connection>(admin, `${at}/connections`, {
    kind: "llm",
    name: "model",
    base_url: "http://127.0.0.1:9",
  });
  const repository = await create<Repository>(admin, `${at}/repositories`, {
    connection_id: connection.id,
    ...forge.repository,
  });
  const agent = await create<UserRef>(admin, `${at}/agents`, { name: `Agent ${key}` });
  const binding = await create<Binding>(admin, `${at}/bindings`, {
    agent_user_id: agent.id,
    repository_id: repository.id,
    llm_connection_id: llm.id,
    model: "scripted-1",
  });
  const loops = await startLoops(server);
  return {
    key,
    agent,
    connection,
    repository,
    binding,
    assign: async (title = "Fix it") => (await createItem(admin, key, { title, assignee_id: agent.id })).key,
    claim: (itemKey) => loops.claim(async () => isTerminal((await newestRun(admin, itemKey)).status)),
    work: loops.work,
    push: (job, files) => pushWork(server, job, files),
    report: loops.report,
    ended: (itemKey) =>
      eventually(
        `the run of ${itemKey} ends`,
        async () => {
          const run = await newestRun(admin, itemKey);
          return isTerminal(run.status) ? run : undefined;
        },
        RUN_MS_MAX,
      ),
    stop: loops.stop,
  };
}

async function newestRun(admin: TestClient, itemKey: string): Promise<AgentRunDetail> {
  const { body } = await admin.get<{ runs: { id: number }[] }>(`/api/v1/items/${itemKey}/agent-runs`);
  return (await admin.get<AgentRunDetail>(`/api/v1/agent-runs/${body.runs[0]?.id}`)).body;
}

async function startLoops(server: TestServer) {
  const { database, forge } = server;
  const defaults = { llmModel: undefined };
  const pool = await getLocalPoolId(database.kysely);
  const runner = await registerRunner(database, {
    pool,
    name: "test",
    kind: "local",
    instance: "forge test",
    boot: "1",
  });
  const control = {
    database,
    defaults,
    addresses: { containerApiUrl: `${server.url}/api`, runnerApiUrl: `${server.url}/api` },
    readBranch: forge.readBranch,
    isolation: "container" as const,
    onClaimError: () => {},
  };
  const plane = createControlPlane(control);
  const ending = new AbortController();
  const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const loops = [
    runPublishingLoop({ database, forge, defaults, baseUrl: server.url }, quiet, ending.signal),
    runForgeLoop(
      { database, defaults, clients: server.forgeClients, baseUrl: server.url, lookMs: LOOK_MS },
      quiet,
      ending.signal,
    ),
  ];
  const report = async (job: JobSpec, headOid: string, summary = "It is done.") => {
    await plane.report(job, {
      attempt: job.attempt,
      isolation: "container",
      outcome: "completed",
      summary,
      failure: null,
      base_oid: job.repo.base_oid,
      head_oid: Oid.parse(headOid),
      exit_code: 0,
    });
  };
  return {
    report,
    claim: async (hasEnded: () => Promise<boolean>) => {
      const given = new AbortController();
      const claimed = claimJob(control, pool, runner, given.signal);
      const watched = eventually("the run is claimed or ends", async () => {
        if (!given.signal.aborted && (await hasEnded())) given.abort();
        return given.signal.aborted;
      });
      const job = await claimed;
      given.abort();
      await watched;
      return job ?? undefined;
    },
    work: async (job: JobSpec, files: Record<string, string>, summary?: string) =>
      report(job, await pushWork(server, job, files), summary),
    stop: async () => {
      ending.abort();
      await Promise.all(loops);
    },
  };
}

/** A commit on the job's branch, fetched and pushed through the broker as windshift-triage does. */
async function pushWork(server: TestServer, job: JobSpec, files: Record<string, string>): Promise<string> {
  const { repo, tokens } = job;
  const dir = await mkdtemp(join(dirname(server.repositoriesRoot), "work-"));
  const header = `Authorization: Basic ${Buffer.from(`run:${tokens.git}`).toString("base64")}`;
  const run = async (args: string[]) => {
    const result = await git(["-c", `http.extraHeader=${header}`, ...args], {
      cwd: dir,
      timeoutMs: GIT_MS_MAX,
      protocols: "http",
    });
    assert(result.exitCode === 0, `git ${args[0]} failed: ${result.stderr}`);
  };
  const from = repo.branch_oid === null ? repo.base_ref : repo.branch;
  await run(["clone", "--quiet", "--branch", from, repo.clone_url, "."]);
  const oid = await commitTree(dir, { files }, "Do the work");
  await run(["push", "--quiet", "origin", `HEAD:refs/heads/${repo.branch}`]);
  return oid;
}
