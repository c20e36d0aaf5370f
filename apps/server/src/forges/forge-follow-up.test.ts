import { describe, expect, test } from "bun:test";
import type { AgentRunDetail } from "@windshift/contract/api/run.ts";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { casesForEngine } from "@windshift/testing/database-fixture.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { ForgeServer } from "@windshift/testing/forges/forge-server.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { startGithubServer } from "@windshift/testing/forges/github-server.ts";
import { startGitlabServer } from "@windshift/testing/forges/gitlab-server.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { FORGE_TEST_MS_MAX, type ForgeScene, useForgeScene } from "../testing/forge-scene.ts";

/** To the database they are one; on PostgreSQL the first stands for all. */
const FORGES = [
  { start: startGithubServer as () => Promise<ForgeServer>, createPath: /\/pulls$/ },
  { start: startForgejoServer, createPath: /\/pulls$/ },
  { start: startGitlabServer, createPath: /\/merge_requests$/ },
];

for (const { start, createPath } of casesForEngine(
  process.env,
  FORGES,
  ({ start }) => start === startGithubServer,
)) {
  describe(`a pull request of a ${start.name.replace(/^start|Server$/g, "")} repository`, () => {
    const at = useForgeScene(start, "FORGE");
    test(
      "is gone on with by a comment of a writer, on the same branch and pull request",
      async () => {
        const { key, run, pull } = await at.proposed({ "first.txt": "1\n" });
        const { writer, reader, outsider } = at.forge.people;
        // A repository of GitHub that is private lets nobody else say a word.
        const outside = at.forge.kind !== "github";
        if (outside) await at.forge.comment(pull.number, outsider, "@windshift do bad things");
        await at.forge.comment(pull.number, reader, "@agent-forge do things");
        await at.forge.comment(pull.number, writer, "I wonder about `@windshift`");
        await at.forge.comment(pull.number, writer, "@agent-forge please add a second file");
        await at.lookNow(pull.number);
        await eventually("the comment starts a run", async () => (await at.runsOf(key)).length === 2);
        const job = await at.claimed(key);
        expect(job.repo.branch).toBe(run.branch);
        expect(job.repo.branch_oid).toBe(run.head_oid);
        expect(job.initial_prompt).toContain("please add a second file");
        expect(job.initial_prompt).toContain(`by the account ${writer} of the forge`);
        expect(job.initial_prompt).not.toContain("bad things");
        await at.workspace.work(job, { "second.txt": "2\n" });
        const next = await at.workspace.ended(key);
        expect(next).toMatchObject({ status: "succeeded", trigger: "pr_comment", branch: run.branch });
        expect(next.pull_request).toMatchObject({ number: pull.number, url: pull.url, state: "open" });
        expect(await gitOut(["show", `${run.branch}:second.txt`], at.forge.dir)).toBe("2");
        expect((await item(at, key)).links).toHaveLength(1);
        await eventually("both what began and what came of it is said there", async () => {
          const said = (await at.written(pull.number)).filter(({ login }) => login === at.forge.agent);
          const texts = said.map(({ body }) => body).join("\n--\n");
          return texts.includes("was started for the comment") && texts.includes("pushed to this branch");
        });
        // Our reply names the agent's run and starts none; the comments before it were looked at once.
        await at.lookNow(pull.number);
        await at.looked(pull.id);
        expect(await at.runsOf(key)).toHaveLength(2);
        const seen = await at.server.database.kysely
          .selectFrom("forge_comments")
          .select("outcome")
          .where("pull_request_id", "=", pull.id)
          .execute();
        expect(seen.map((row) => row.outcome).toSorted()).toEqual([
          ...(outside ? ["no_write_access"] : []),
          "no_write_access",
          "started",
        ]);
      },
      FORGE_TEST_MS_MAX,
    );

    test(
      "keeps a comment for later while the agent works on another branch of the item",
      async () => {
        const { key, run, pull } = await at.proposed({ "later.txt": "l\n" });
        await at.admin.post(`/api/v1/items/${key}/agent-runs`, {});
        const [other] = await at.runsOf(key);
        await at.forge.comment(pull.number, at.forge.people.writer, "@windshift mend this branch");
        await at.lookNow(pull.number);
        await at.looked(pull.id);
        expect(await at.runsOf(key)).toHaveLength(2);
        const { body } = await at.admin.get<AgentRunDetail>(`/api/v1/agent-runs/${other?.id}`);
        expect(body.messages).toEqual([]);
        expect((await at.admin.post(`/api/v1/agent-runs/${other?.id}/cancel`, {})).status).toBeLessThan(300);
        await at.lookNow(pull.number);
        const next = await eventually(
          "it starts a run",
          async () => (await at.runsOf(key))[2] && (await at.runsOf(key))[0],
        );
        expect(next).toMatchObject({ trigger: "pr_comment", branch: run.branch });
        await at.admin.post(`/api/v1/agent-runs/${next.id}/cancel`, {});
        await eventually("its end is said, though it was never worked on", async () =>
          (await at.written(pull.number)).some(({ body }) => body.includes("ended as canceled")),
        );
      },
      FORGE_TEST_MS_MAX,
    );

    test(
      "is not started for a pull request that was closed or whose branch is gone, nor credited with a person's push",
      async () => {
        const decided = await at.proposed({ "decided.txt": "1\n" });
        await at.forge.comment(decided.pull.number, at.forge.people.writer, "@windshift too late");
        await at.lookNow(decided.pull.number);
        await eventually("the comment starts a run", async () => (await at.runsOf(decided.key)).length === 2);
        await at.forge.close(decided.pull.number);
        await at.lookNow(decided.pull.number);
        await eventually("it is closed", async () => (await at.pullRow(decided.pull.id)).state === "closed");
        expect(await at.workspace.claim(decided.key)).toBeUndefined();
        expect((await at.workspace.ended(decided.key)).detail).toContain("was closed");

        const { key, run, pull } = await at.proposed({ "again.txt": "1\n" });
        const follow = async (body: string, nth: number) => {
          await at.forge.comment(pull.number, at.forge.people.writer, body);
          await at.lookNow(pull.number);
          await eventually("the comment starts a run", async () => (await at.runsOf(key)).length === nth);
        };
        await follow("@windshift look at it", 2);
        const job = await at.claimed(key);
        const head = run.head_oid ?? "none";
        const tip = await gitOut(
          ["commit-tree", `${head}^{tree}`, "-p", head, "-m", "A person's"],
          at.forge.dir,
        );
        await gitOut(["update-ref", `refs/heads/${run.branch}`, tip], at.forge.dir);
        await at.workspace.report(job, tip);
        expect((await at.workspace.ended(key)).reason).toBe("no_changes");
        await follow("@windshift once more", 3);
        await gitOut(["update-ref", "-d", `refs/heads/${run.branch}`], at.forge.dir);
        expect(await at.workspace.claim(key)).toBeUndefined();
        const gone = await at.workspace.ended(key);
        expect([gone.status, gone.detail]).toEqual(["failed", expect.stringContaining("was deleted")]);
        expect(job.repo.branch).toBe(run.branch);
      },
      FORGE_TEST_MS_MAX,
    );

    test(
      "takes no comment while nobody knows which account is its own",
      async () => {
        const { key, pull } = await at.proposed({ "own.txt": "o\n" });
        await at.looked(pull.id);
        // A changed credential makes a new client, which asks anew who it is.
        await at.admin.patch(`/api/v1/connections/${at.workspace.connection.id}`, {
          token: at.forge.tokens.full,
        });
        at.forge.faults.add({ method: "GET", path: /\/user$/, what: { kind: "answer", status: 404 } });
        await at.forge.comment(pull.number, at.forge.agent, "@windshift go on for ever");
        await at.lookNow(pull.number);
        await eventually("the look failed", async () => (await at.pullRow(pull.id)).sync_failures === 1);
        await at.lookNow(pull.number);
        await eventually("a later one did not", async () => (await at.pullRow(pull.id)).sync_failures === 0);
        expect(await at.runsOf(key)).toHaveLength(1);
      },
      FORGE_TEST_MS_MAX,
    );

    test(
      "follows the others when one of its pull requests cannot be read",
      async () => {
        const dead = await at.proposed({ "dead.txt": "d\n" });
        const alive = await at.proposed({ "alive.txt": "a\n" });
        await eventually("both were looked at", async () =>
          (await Promise.all([synced(at, dead.pull.id), synced(at, alive.pull.id)])).every(
            (ms) => ms !== null,
          ),
        );
        const path = new RegExp(`/${createPath.source.replace(/^\\\/|\$$/g, "")}/${dead.pull.number}$`);
        at.forge.faults.add({ method: "GET", path, what: { kind: "answer", status: 404 } });
        await at.lookNow(dead.pull.number);
        await eventually(
          "that look failed",
          async () => (await at.pullRow(dead.pull.id)).sync_failures === 1,
        );
        expect((await at.pullRow(dead.pull.id)).sync_problem).toContain("no such thing");
        await at.forge.close(alive.pull.number);
        await at.lookNow(alive.pull.number);
        await eventually(
          "the other is closed",
          async () => (await at.pullRow(alive.pull.id)).state === "closed",
        );
      },
      FORGE_TEST_MS_MAX,
    );
  });
}

const item = async (at: ForgeScene, key: string) =>
  (await at.admin.get<WorkItemDetail>(`/api/v1/items/${key}`)).body;
const synced = async (at: ForgeScene, id: number) => (await at.pullRow(id)).synced_at_ms;
