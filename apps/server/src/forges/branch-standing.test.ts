import { expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { FORGE_TEST_MS_MAX, useForgeScene } from "../testing/forge-scene.ts";

const at = useForgeScene(startForgejoServer, "STAND");

/** Waits until the agent's account has said something on the pull request. */
async function said(number: number, text: string): Promise<void> {
  await eventually(`it is said: ${text}`, async () =>
    (await at.written(number)).some(({ login, body }) => login === at.forge.agent && body.includes(text)),
  );
}

test(
  "a comment on a pull request that was closed a moment ago starts no run, and is told so once",
  async () => {
    const { key, pull } = await at.proposed({ "closed.txt": "c\n" });
    await at.looked(pull.id);
    // Our row still calls it open when the comment is read.
    await at.forge.close(pull.number);
    await at.say(pull.number, "@windshift one more thing");
    await said(pull.number, "this pull request was merged or closed");
    expect((await at.pullRow(pull.id)).state).toBe("closed");
    await at.say(pull.number, "@windshift please");
    await eventually("both were heard", async () => (await at.outcomes(pull.id)).length === 2);
    expect(await at.outcomes(pull.id)).toEqual(["decided", "decided"]);
    expect(await at.runsOf(key)).toHaveLength(1);
    await eventually("nothing is left to be said", async () => !(await at.hasUntold(pull.id)));
    const ours = (await at.written(pull.number)).filter(({ login }) => login === at.forge.agent);
    expect(ours).toHaveLength(1);
  },
  FORGE_TEST_MS_MAX,
);

test(
  "a closed pull request that a person opens again is open here too, though no webhook tells, and its comments count",
  async () => {
    const { key, pull } = await at.proposed({ "again.txt": "a\n" });
    await at.forge.close(pull.number);
    await at.lookNow(pull.number);
    await at.stateIs(pull.id, "closed");
    await at.looked(pull.id);
    await at.forge.reopen(pull.number);
    await at.forge.comment(pull.number, at.forge.people.writer, "@windshift go on after all");
    const due = await at.pullRow(pull.id);
    expect(due.look_at_ms).toBeGreaterThan(Date.now());
    // The time passes.
    const db = at.server.database.kysely;
    await db.updateTable("pull_requests").set({ look_at_ms: 1 }).where("id", "=", pull.id).execute();
    await at.server.database.signals.notify("forges");
    await at.stateIs(pull.id, "open");
    await eventually("the comment starts a run", async () => (await at.runsOf(key)).length === 2);
    const { body } = await at.admin.get<{ comments: { body: string }[] }>(`/api/v1/items/${key}/comments`);
    expect(body.comments.map((comment) => comment.body).join("\n")).toContain(
      "was opened again on its forge",
    );
    const { id } = await at.newestRun(key);
    expect((await at.admin.post(`/api/v1/agent-runs/${id}/cancel`, {})).status).toBeLessThan(300);
  },
  FORGE_TEST_MS_MAX,
);

test(
  "a comment on a pull request whose branch was deleted starts no run, and is told so",
  async () => {
    const { key, run, pull } = await at.proposed({ "gone.txt": "g\n" });
    await gitOut(["update-ref", "-d", `refs/heads/${run.branch}`], at.forge.dir);
    await at.say(pull.number, "@windshift go on");
    await said(pull.number, "the branch of this pull request was deleted");
    expect(await at.outcomes(pull.id)).toEqual(["branch_gone"]);
    expect(await at.runsOf(key)).toHaveLength(1);
  },
  FORGE_TEST_MS_MAX,
);

test(
  "a run goes on from what a person pushed, and both the agent and whoever asked are told",
  async () => {
    const { key, run, pull } = await at.proposed({ "moved.txt": "m\n" });
    const head = run.head_oid ?? "none";
    const tip = await gitOut(["commit-tree", `${head}^{tree}`, "-p", head, "-m", "By hand"], at.forge.dir);
    await gitOut(["update-ref", `refs/heads/${run.branch}`, tip], at.forge.dir);
    await at.say(pull.number, "@windshift now the tests");
    await said(pull.number, "Somebody else has pushed to this branch");
    const job = await at.claimed(key);
    expect(job.repo.branch_oid as string).toBe(tip);
    expect(job.initial_prompt).toContain(`its head is ${tip} now`);
    await at.workspace.work(job, { "tests.txt": "t\n" });
    expect((await at.workspace.ended(key)).status).toBe("succeeded");
    // What the agent itself pushed since is no news.
    await at.say(pull.number, "@windshift and the docs");
    await eventually("it starts a run", async () => (await at.runsOf(key)).length === 3);
    const next = await at.claimed(key);
    expect(next.initial_prompt).not.toContain("Somebody else has pushed");
    expect(await at.outcomes(pull.id)).toEqual(["started", "started_moved"]);
    await at.workspace.report(next, String(next.repo.branch_oid));
    await at.workspace.ended(key);
  },
  FORGE_TEST_MS_MAX,
);
