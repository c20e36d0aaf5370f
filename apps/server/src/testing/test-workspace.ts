import { resolve } from "node:path";
import type { Binding } from "@windshift/contract/api/binding.ts";
import type { Connection } from "@windshift/contract/api/connection.ts";
import type { Repository } from "@windshift/contract/api/repository.ts";
import type { UserRef } from "@windshift/contract/api/user.ts";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { assert } from "@windshift/contract/app-error.ts";
import { Attempt, type Oid } from "@windshift/contract/ids.ts";
import { createRepository, gitOut } from "@windshift/testing/git-repository.ts";
import { getLocalPoolId } from "../pools/pool-store.ts";
import { registerRunner } from "../runners/runner-store.ts";
import { createRunTokens } from "../runs/run-tokens.ts";
import { claimOne } from "./claim-one.ts";
import type { TestClient } from "./test-client.ts";
import type { TestServer } from "./test-server.ts";

/** A workspace made through the API, with a repository that has one commit on `main` and a bound agent. */
export interface TestWorkspace {
  key: string;
  agent: UserRef;
  llm: Connection;
  git: Connection;
  repository: Repository;
  binding: Binding;
  /** The commit on `main`. */
  baseOid: Oid;
  /** A clone of the repository, to make commits in. */
  workDir: string;
}

/**
 * Makes such a workspace with git of the server itself. Its model answers nothing: nobody listens there.
 * @param key of the workspace; of its agent's name and its working folder, too
 */
export async function createTestWorkspace(admin: TestClient, key: string): Promise<TestWorkspace> {
  const at = `/api/v1/workspaces/${key}`;
  await create(admin, "/api/v1/workspaces", { key, name: `Workspace ${key}` });
  const git = await create<Connection>(admin, `${at}/connections`, { kind: "git", name: "local" });
  const llm = await create<Connection>(admin, `${at}/connections`, {
    kind: "llm",
    name: "model",
    base_url: "http://127.0.0.1:9/v1",
    api_key: "sk-test-0123456789",
  });
  const agent = await create<UserRef>(admin, `${at}/agents`, { name: `Agent ${key}` });
  const wanted = { connection_id: git.id, owner: "acme", name: "project" };
  const repository = await create<Repository>(admin, `${at}/repositories`, wanted);
  assert(repository.path !== undefined, "an administrator sees where the repository is");
  // In the server's data folder, which goes away with the server.
  const workDir = resolve(repository.path, "../../../../work", key);
  const baseOid = await createRepository(workDir, {
    files: { "README.md": "# Project\n", "a.txt": "one\ntwo\n" },
  });
  await gitOut(["push", "--quiet", repository.path, "HEAD:refs/heads/main"], workDir);
  const binding = await create<Binding>(admin, `${at}/bindings`, {
    agent_user_id: agent.id,
    repository_id: repository.id,
    llm_connection_id: llm.id,
    model: "scripted-1",
  });
  return { key, agent, llm, git, repository, binding, baseOid, workDir };
}

/** A work item; with an agent as assignee its run is queued. */
export function createItem(client: TestClient, key: string, item: object = {}): Promise<WorkItemDetail> {
  return create(client, `/api/v1/workspaces/${key}/items`, { title: "Fix it", ...item });
}

/** An item whose run is held by a runner, and the token its agent has. */
export interface LiveRun {
  item: WorkItemDetail;
  runId: number;
  attempt: number;
  token: string;
  /** Of the same attempt, for the git broker. */
  gitToken: string;
}

/** Assigns a new item to the workspace's agent and claims its run, which must be the next in line. */
export async function startLiveRun(
  server: TestServer,
  client: TestClient,
  workspace: TestWorkspace,
): Promise<LiveRun> {
  const { database } = server;
  const item = await createItem(client, workspace.key, { assignee_id: workspace.agent.id });
  const pool = await getLocalPoolId(database.kysely);
  const runner = await registerRunner(database, {
    pool,
    name: "test",
    kind: "local",
    instance: "test",
    boot: "1",
  });
  const claimed = await claimOne(database, pool, runner, async (tx, run) => ({
    run,
    tokens: await createRunTokens(tx, run.id, Attempt.parse(run.attempt)),
  }));
  assert(claimed !== undefined && claimed.run.work_item_id === item.id, "the item's run is next in line");
  const { run, tokens } = claimed;
  return { item, runId: run.id, attempt: run.attempt, token: tokens.agent, gitToken: tokens.git };
}

/** @throws Error unless the answer is 201 */
export async function create<T>(client: TestClient, path: string, body: object): Promise<T> {
  const reply = await client.post<T>(path, body);
  assert(reply.status === 201, `POST ${path} is answered ${reply.status}: ${reply.text}`);
  return reply.body;
}
