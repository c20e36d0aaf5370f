import { afterAll, beforeAll, expect, test } from "bun:test";
import type { AgentRunDetail } from "@windshift/contract/api/run.ts";
import type { ForgeServer } from "@windshift/testing/forges/forge-server.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { createForgeWorkspace, type ForgeWorkspace } from "../testing/forge-workspace.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";

/** Each test is a few requests and git processes; a loaded machine may take long for them. */
const TEST_MS_MAX = 60_000;

let forge: ForgeServer;
let server: TestServer;
let admin: TestClient;
let workspace: ForgeWorkspace;
beforeAll(async () => {
  forge = await startForgejoServer();
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createForgeWorkspace(server, admin, forge, "OWN");
}, TEST_MS_MAX);
afterAll(async () => {
  await workspace?.stop();
  await server?.close();
  await forge?.stop();
}, TEST_MS_MAX);

const newestRun = async (key: string) => {
  const { body } = await admin.get<{ runs: AgentRunDetail[] }>(`/api/v1/items/${key}/agent-runs`);
  const [run] = body.runs;
  if (run === undefined) throw new Error(`${key} has no run`);
  return run;
};

/** A pull request of somebody else. */
async function proposeForeign(branch: string): Promise<number> {
  const { owner, name } = forge.repository;
  const reply = await fetch(`${forge.url}/api/v1/repos/${owner}/${name}/pulls`, {
    method: "POST",
    headers: { authorization: `token ${forge.tokens.full}`, "content-type": "application/json" },
    body: JSON.stringify({ title: "Foreign", body: "Not a run's", head: branch, base: "main" }),
  });
  expect(reply.status).toBe(201);
  return ((await reply.json()) as { number: number }).number;
}

test(
  "a branch that is there before the run was ever given out is another's, and stays as it is",
  async () => {
    const key = await workspace.assign();
    const { branch } = await newestRun(key);
    const main = await gitOut(["rev-parse", "main"], forge.dir);
    await gitOut(["branch", branch, "main"], forge.dir);
    expect(await workspace.claim(key)).toBeUndefined();
    const run = await workspace.ended(key);
    expect([run.status, run.reason, run.attempt]).toEqual(["failed", "misconfigured", 1]);
    expect(run.detail).toContain(branch);
    expect(run.detail).toContain("another installation");
    expect(await gitOut(["rev-parse", branch], forge.dir)).toBe(main);
  },
  TEST_MS_MAX,
);

test(
  "an attempt after one that pushed goes on with the branch, which is the run's own",
  async () => {
    const key = await workspace.assign();
    const job = await workspace.claim(key);
    if (job === undefined) throw new Error("no job");
    await gitOut(["branch", job.repo.branch, "main"], forge.dir);
    await server.database.kysely
      .updateTable("runs")
      .set({ status: "queued", phase: null, runner_id: null, lease_expires_at_ms: null })
      .where("id", "=", job.run_id)
      .execute();
    const again = await workspace.claim(key);
    expect([again?.run_id, Number(again?.attempt)]).toEqual([job.run_id, Number(job.attempt) + 1]);
    expect(again?.repo.branch_oid).toBe(await gitOut(["rev-parse", "main"], forge.dir));
    if (again === undefined) throw new Error("no job");
    await workspace.work(again, { "second.txt": "2\n" });
    expect((await workspace.ended(key)).status).toBe("succeeded");
  },
  TEST_MS_MAX,
);

test(
  "a pull request of the run's branch that the run did not open is not taken for its own",
  async () => {
    const key = await workspace.assign();
    const job = await workspace.claim(key);
    if (job === undefined) throw new Error("no job");
    await gitOut(["branch", job.repo.branch, "main"], forge.dir);
    const foreign = await proposeForeign(job.repo.branch);
    await workspace.work(
      { ...job, repo: { ...job.repo, branch_oid: job.repo.base_oid } },
      { "own.txt": "o\n" },
    );
    const failed = await workspace.ended(key);
    expect([failed.status, failed.reason, failed.pull_request]).toEqual(["failed", "publish_failed", null]);
    expect(failed.detail).toContain("already exists");
    await forge.close(foreign);
    expect((await admin.post(`/api/v1/agent-runs/${failed.id}/publish`)).status).toBe(200);
    const run = await workspace.ended(key);
    expect([run.status, run.pull_request?.state]).toEqual(["succeeded", "open"]);
    expect(run.pull_request?.number).not.toBe(foreign);
  },
  TEST_MS_MAX,
);

test(
  "a pull request known by its number is the run's, whatever its text has become",
  async () => {
    const key = await workspace.assign();
    const job = await workspace.claim(key);
    if (job === undefined) throw new Error("no job");
    await workspace.work(job, { "known.txt": "k\n" });
    const run = await workspace.ended(key);
    const { database } = server;
    const row = await database.kysely
      .selectFrom("pull_requests")
      .selectAll()
      .where("run_id", "=", job.run_id)
      .executeTakeFirstOrThrow();
    // As if a person had taken the mark out of the text.
    await database.kysely
      .updateTable("runs")
      .set({ created_at_ms: 1 })
      .where("id", "=", job.run_id)
      .execute();
    const again = await server.forge.openPullRequest({
      runId: job.run_id,
      workItemId: row.work_item_id,
      repositoryId: row.repository_id,
      title: row.title,
      body: row.body,
      sourceBranch: row.source_branch,
      targetBranch: row.target_branch,
      baseOid: row.base_oid,
      headOid: row.head_oid,
    });
    expect(again).toMatchObject({ url: run.pull_request?.url, state: "open" });
  },
  TEST_MS_MAX,
);
