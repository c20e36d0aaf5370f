import { expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { FORGE_TEST_MS_MAX, useForgeScene } from "../testing/forge-scene.ts";

const at = useForgeScene(startForgejoServer, "OWN");

/** A pull request of somebody else. */
async function proposeForeign(branch: string): Promise<number> {
  const { owner, name } = at.forge.repository;
  const reply = await fetch(`${at.forge.url}/api/v1/repos/${owner}/${name}/pulls`, {
    method: "POST",
    headers: { authorization: `token ${at.forge.tokens.full}`, "content-type": "application/json" },
    body: JSON.stringify({ title: "Foreign", body: "Not a run's", head: branch, base: "main" }),
  });
  expect(reply.status).toBe(201);
  return ((await reply.json()) as { number: number }).number;
}

test(
  "a branch that is there before the run was ever given out is another's, and stays as it is",
  async () => {
    const key = await at.workspace.assign();
    const { branch } = await at.newestRun(key);
    const main = await gitOut(["rev-parse", "main"], at.forge.dir);
    await gitOut(["branch", branch, "main"], at.forge.dir);
    expect(await at.workspace.claim(key)).toBeUndefined();
    const run = await at.workspace.ended(key);
    expect([run.status, run.reason, run.attempt]).toEqual(["failed", "misconfigured", 1]);
    expect(run.detail).toContain(branch);
    expect(run.detail).toContain("another installation");
    expect(await gitOut(["rev-parse", branch], at.forge.dir)).toBe(main);
  },
  FORGE_TEST_MS_MAX,
);

test(
  "an attempt after one that pushed goes on with the branch, which is the run's own",
  async () => {
    const key = await at.workspace.assign();
    const job = await at.claimed(key);
    await gitOut(["branch", job.repo.branch, "main"], at.forge.dir);
    await at.server.database.kysely
      .updateTable("runs")
      .set({ status: "queued", phase: null, runner_id: null, lease_expires_at_ms: null })
      .where("id", "=", job.run_id)
      .execute();
    const again = await at.workspace.claim(key);
    expect([again?.run_id, Number(again?.attempt)]).toEqual([job.run_id, Number(job.attempt) + 1]);
    expect(again?.repo.branch_oid).toBe(await gitOut(["rev-parse", "main"], at.forge.dir));
    if (again === undefined) throw new Error("no job");
    await at.workspace.work(again, { "second.txt": "2\n" });
    expect((await at.workspace.ended(key)).status).toBe("succeeded");
  },
  FORGE_TEST_MS_MAX,
);

test(
  "a pull request of the run's branch that the run did not open is not taken for its own",
  async () => {
    const key = await at.workspace.assign();
    const job = await at.claimed(key);
    await gitOut(["branch", job.repo.branch, "main"], at.forge.dir);
    const foreign = await proposeForeign(job.repo.branch);
    await at.workspace.work(
      { ...job, repo: { ...job.repo, branch_oid: job.repo.base_oid } },
      { "own.txt": "o\n" },
    );
    const failed = await at.workspace.ended(key);
    expect([failed.status, failed.reason, failed.pull_request]).toEqual(["failed", "publish_failed", null]);
    expect(failed.detail).toContain("already exists");
    await at.forge.close(foreign);
    expect((await at.admin.post(`/api/v1/agent-runs/${failed.id}/publish`)).status).toBe(200);
    const run = await at.workspace.ended(key);
    expect([run.status, run.pull_request?.state]).toEqual(["succeeded", "open"]);
    expect(run.pull_request?.number).not.toBe(foreign);
  },
  FORGE_TEST_MS_MAX,
);

test(
  "a pull request known by its number is the run's, whatever its text has become",
  async () => {
    const key = await at.workspace.assign();
    const job = await at.claimed(key);
    await at.workspace.work(job, { "known.txt": "k\n" });
    const run = await at.workspace.ended(key);
    const { database } = at.server;
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
    const again = await at.server.forge.openPullRequest({
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
  FORGE_TEST_MS_MAX,
);

test(
  "F34 a run whose branch a person deletes after its push says so and opens nothing; restored, it is published",
  async () => {
    const key = await at.workspace.assign();
    const job = await at.claimed(key);
    const ref = `refs/heads/${job.repo.branch}`;
    const head = await at.workspace.push(job, { "deleted.txt": "d\n" });
    await gitOut(["update-ref", "-d", ref], at.forge.dir);
    await at.workspace.report(job, head);
    const run = await at.workspace.ended(key);
    expect([run.status, run.reason, run.pull_request]).toEqual(["failed", "publish_failed", null]);
    expect(run.detail).toContain(`was deleted after the run had pushed ${head}`);
    expect(await gitOut(["for-each-ref", ref], at.forge.dir)).toBe("");
    await gitOut(["update-ref", ref, head], at.forge.dir);
    expect((await at.admin.post(`/api/v1/agent-runs/${run.id}/publish`)).status).toBe(200);
    const again = await at.workspace.ended(key);
    expect([again.status, again.head_oid as string, again.pull_request?.state]).toEqual([
      "succeeded",
      head,
      "open",
    ]);
  },
  FORGE_TEST_MS_MAX,
);

test(
  "F34 a pull request that a person closes while a run works on it stays closed, and no other is opened",
  async () => {
    const { key, pull } = await at.proposed({ "shut.txt": "s\n" });
    await at.say(pull.number, "@windshift one more file");
    await eventually("the comment starts a run", async () => (await at.runsOf(key)).length === 2);
    const job = await at.claimed(key);
    await at.forge.close(pull.number);
    await at.workspace.work(job, { "more.txt": "m\n" });
    const run = await at.workspace.ended(key);
    expect([run.status, run.pull_request?.number]).toEqual(["succeeded", pull.number]);
    await eventually("it is seen closed", async () => (await at.pullRow(pull.id)).state === "closed");
    const { owner, name } = at.forge.repository;
    const listed = await fetch(`${at.forge.url}/api/v1/repos/${owner}/${name}/pulls?state=open`, {
      headers: { authorization: `token ${at.forge.tokens.full}` },
    });
    const open = (await listed.json()) as { head: { ref: string } }[];
    expect(open.map(({ head }) => head.ref)).not.toContain(job.repo.branch);
  },
  FORGE_TEST_MS_MAX,
);
