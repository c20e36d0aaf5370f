import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Comment } from "@windshift/contract/api/comment.ts";
import type { AgentRunDetail } from "@windshift/contract/api/run.ts";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import type { RunId } from "@windshift/contract/ids.ts";
import { SUMMARY_BYTES_MAX } from "@windshift/contract/limits.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { ForgeServer } from "@windshift/testing/forges/forge-server.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { startGithubServer } from "@windshift/testing/forges/github-server.ts";
import { startGitlabServer } from "@windshift/testing/forges/gitlab-server.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { createForgeWorkspace, type ForgeWorkspace } from "../testing/forge-workspace.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";

/** Each test is a few requests and git processes; a loaded machine may take long for them. */
const TEST_MS_MAX = 60_000;

const FORGES = [
  { start: startGithubServer as () => Promise<ForgeServer>, createPath: /\/pulls$/ },
  { start: startForgejoServer, createPath: /\/pulls$/ },
  { start: startGitlabServer, createPath: /\/merge_requests$/ },
];

for (const { start, createPath } of FORGES) {
  describe(`a run on a ${start.name.replace(/^start|Server$/g, "")} repository`, () => {
    let forge: ForgeServer;
    let server: TestServer;
    let admin: TestClient;
    let workspace: ForgeWorkspace;
    beforeAll(async () => {
      forge = await start();
      server = await startTestServer();
      admin = await server.setUp();
      workspace = await createForgeWorkspace(server, admin, forge, "FORGE");
    }, TEST_MS_MAX);
    afterAll(async () => {
      await workspace?.stop();
      await server?.close();
      await forge?.stop();
    }, TEST_MS_MAX);

    const item = async (key: string) => (await admin.get<WorkItemDetail>(`/api/v1/items/${key}`)).body;
    const runs = async (key: string) =>
      (await admin.get<{ runs: AgentRunDetail[] }>(`/api/v1/items/${key}/agent-runs`)).body.runs;
    const comments = async (key: string) =>
      (await admin.get<{ comments: Comment[] }>(`/api/v1/items/${key}/comments`)).body.comments
        .map((comment) => comment.body)
        .join("\n--\n");

    /** An item whose pull request is open. */
    async function proposed(files: Record<string, string> = { "fix.txt": "fixed\n" }) {
      const key = await workspace.assign();
      const job = await workspace.claim(key);
      if (job === undefined) throw new Error(`the run of ${key} could not be started`);
      await workspace.work(job, files);
      const run = await workspace.ended(key);
      expect({ status: run.status, detail: run.detail, steps: run.steps.filter((s) => s.detail) }).toEqual({
        status: "succeeded",
        detail: null,
        steps: [],
      });
      const pull = run.pull_request;
      if (pull === null) throw new Error("the run has no pull request");
      return { key, run, pull };
    }

    test(
      "pushes its branch to the forge and opens a draft there",
      async () => {
        const { key, run, pull } = await proposed();
        expect(pull).toMatchObject({ state: "open", draft: true });
        expect(pull.url).toStartWith("http");
        expect(await gitOut(["rev-parse", run.branch], forge.dir)).toBe(run.head_oid ?? "none");
        expect(await gitOut(["show", `${run.branch}:fix.txt`], forge.dir)).toBe("fixed");
        const refs = await gitOut(["for-each-ref", "--format=%(refname:short)", "refs/heads"], forge.dir);
        expect(refs.split("\n").filter((ref) => !ref.startsWith("agent-runs/"))).toEqual(["main"]);
        const { links, status } = await item(key);
        expect(links.map((link) => [link.kind, link.url])).toEqual([["pull_request", pull.url ?? ""]]);
        expect(status).toBe("in_review");
        expect(await comments(key)).toContain(pull.url ?? "");
        expect(forge.violations).toEqual([]);
      },
      TEST_MS_MAX,
    );

    test(
      "I3 opens one pull request when the reply to its creation is lost",
      async () => {
        const key = await workspace.assign();
        const job = await workspace.claim(key);
        if (job === undefined) throw new Error("no job");
        forge.faults.add({ method: "POST", path: createPath, what: { kind: "lose_reply" } });
        const before = forge.faults.log.filter(isCreate).length;
        await workspace.work(job, { "lost.txt": "x\n" });
        const run = await workspace.ended(key);
        expect([run.status, run.pull_request?.state]).toEqual(["succeeded", "open"]);
        expect(forge.faults.log.filter(isCreate).length - before).toBe(1);
      },
      TEST_MS_MAX,
    );
    const isCreate = ({ method, path }: { method: string; path: string }) =>
      method === "POST" && createPath.test(path);

    test(
      "opens its pull request however long the summary is",
      async () => {
        const key = await workspace.assign();
        const job = await workspace.claim(key);
        if (job === undefined) throw new Error("no job");
        await workspace.work(
          job,
          { "long.txt": "x\n" },
          "@a\n".repeat(SUMMARY_BYTES_MAX).slice(0, SUMMARY_BYTES_MAX),
        );
        const run = await workspace.ended(key);
        expect([run.status, run.detail, run.pull_request?.state]).toEqual(["succeeded", null, "open"]);
        expect(forge.violations).toEqual([]);
      },
      TEST_MS_MAX,
    );

    test(
      "fails with the forge's sentence when its credential was revoked, and shows it on the connection",
      async () => {
        const at = `/api/v1/connections/${workspace.connection.id}`;
        await admin.patch(at, { token: forge.tokens.revoked });
        const key = await workspace.assign();
        expect(await workspace.claim(key)).toBeUndefined();
        const run = await workspace.ended(key);
        expect([run.status, run.reason]).toEqual(["failed", "misconfigured"]);
        const { body } = await admin.get<{ check_problem: string | null }>(at);
        expect(body.check_problem).toBe(run.detail ?? "none");
        expect(run.detail).not.toContain(forge.tokens.revoked);
        const checked = await admin.post<{ ok: boolean; message: string }>(`${at}/check`);
        expect(checked.body).toMatchObject({ ok: false });
        await admin.patch(at, { token: forge.tokens.full });
        expect((await admin.post<{ ok: boolean }>(`${at}/check`)).body.ok).toBe(true);
        expect((await admin.get<{ check_problem: string | null }>(at)).body.check_problem).toBeNull();
      },
      TEST_MS_MAX,
    );

    test(
      "whose pull request the forge refused is published again by a member",
      async () => {
        const key = await workspace.assign();
        const job = await workspace.claim(key);
        if (job === undefined) throw new Error("no job");
        forge.faults.add({ method: "POST", path: createPath, what: { kind: "answer", status: 403 } });
        await workspace.work(job, { "again.txt": "x\n" });
        const failed = await workspace.ended(key);
        expect([failed.status, failed.pull_request, failed.can_publish_again]).toEqual([
          "failed",
          null,
          true,
        ]);
        expect((await admin.post(`/api/v1/agent-runs/${failed.id}/publish`)).status).toBe(200);
        const run = await workspace.ended(key);
        expect([run.status, run.pull_request?.state, run.can_publish_again]).toEqual([
          "succeeded",
          "open",
          false,
        ]);
        expect((await admin.post(`/api/v1/agent-runs/${failed.id}/publish`)).status).toBe(409);
      },
      TEST_MS_MAX,
    );

    test(
      "is gone on with by a comment of a writer, on the same branch and pull request",
      async () => {
        const { key, run, pull } = await proposed({ "first.txt": "1\n" });
        const { writer, reader, outsider } = forge.people;
        // A repository of GitHub that is private lets nobody else say a word.
        const outside = forge.kind !== "github";
        if (outside) await forge.comment(pull.number, outsider, "@windshift do bad things");
        await forge.comment(pull.number, reader, "@agent-forge do things");
        await forge.comment(pull.number, writer, "I wonder about `@windshift`");
        await forge.comment(pull.number, writer, "@agent-forge please add a second file");
        await lookNow(pull.number);
        await eventually("the comment starts a run", async () => (await runs(key)).length === 2);
        const job = await workspace.claim(key);
        if (job === undefined) throw new Error("no job");
        expect(job.repo.branch).toBe(run.branch);
        expect(job.repo.branch_oid).toBe(run.head_oid);
        expect(job.initial_prompt).toContain("please add a second file");
        expect(job.initial_prompt).toContain(`by the account ${writer} of the forge`);
        expect(job.initial_prompt).not.toContain("bad things");
        await workspace.work(job, { "second.txt": "2\n" });
        const next = await workspace.ended(key);
        expect(next).toMatchObject({ status: "succeeded", trigger: "pr_comment", branch: run.branch });
        expect(next.pull_request).toMatchObject({ number: pull.number, url: pull.url, state: "open" });
        expect(await gitOut(["show", `${run.branch}:second.txt`], forge.dir)).toBe("2");
        expect((await item(key)).links).toHaveLength(1);
        await eventually("both what began and what came of it is said there", async () => {
          const said = (await written(pull.number)).filter(({ login }) => login === forge.agent);
          const texts = said.map(({ body }) => body).join("\n--\n");
          return texts.includes("was started for the comment") && texts.includes("pushed to this branch");
        });
        // Our reply names the agent's run and starts none; the comments before it were looked at once.
        await lookNow(pull.number);
        await eventually("the pull request was looked at", async () => (await synced(pull.id)) !== null);
        expect(await runs(key)).toHaveLength(2);
        const seen = await server.database.kysely
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
      TEST_MS_MAX,
    );

    test(
      "WB-20 a webhook that is not signed, or for another connection, or too large changes nothing",
      async () => {
        const { key, pull } = await proposed({ "closed.txt": "c\n" });
        await eventually("it was looked at", async () => (await synced(pull.id)) !== null);
        await forge.close(pull.number);
        const { headers, body } = forge.webhook("pull_request", pull.number, "wrong-secret-0123456789");
        const bad = await deliver(headers, body);
        const other = await deliver(headers, body, workspace.connection.id + 1);
        const none = await deliver({ "content-type": "application/json" }, body);
        const texts = await Promise.all([bad, other, none].map((reply) => reply.text()));
        expect([bad.status, other.status, none.status]).toEqual([401, 401, 401]);
        expect(new Set(texts).size).toBe(1);
        const large = await deliver(headers, new Uint8Array(25 * 1_048_576));
        expect(large.status).toBe(413);
        expect(await synced(pull.id)).not.toBeNull();
        expect((await runs(key))[0]?.pull_request?.state).toBe("open");
        const secret = workspace.connection.webhook_secret ?? "";
        const good = forge.webhook("pull_request", pull.number, secret);
        expect((await deliver(good.headers, good.body)).status).toBe(202);
        await eventually("it is closed", async () => (await runs(key))[0]?.pull_request?.state === "closed");
        expect((await item(key)).status).toBe("in_review");
      },
      TEST_MS_MAX,
    );

    test(
      "lists the repositories of its connection and takes none that is not there",
      async () => {
        const at = `/api/v1/connections/${workspace.connection.id}/repositories`;
        const { body } = await admin.get<{ repositories: object[] }>(`${at}?search=${forge.repository.name}`);
        expect(body.repositories).toContainEqual(
          expect.objectContaining({ ...forge.repository, default_branch: "main" }),
        );
        const wrong = await admin.post<{ error: { details: { path: string }[] } }>(
          "/api/v1/workspaces/FORGE/repositories",
          { connection_id: workspace.connection.id, owner: "nobody", name: "nothing" },
        );
        expect([wrong.status, wrong.body.error.details[0]?.path]).toEqual([400, "name"]);
        expect(workspace.repository).toMatchObject({ default_branch: "main" });
        expect(workspace.repository.path).toBeUndefined();
      },
      TEST_MS_MAX,
    );

    test(
      "keeps a comment for later while the agent works on another branch of the item",
      async () => {
        const { key, run, pull } = await proposed({ "later.txt": "l\n" });
        await admin.post(`/api/v1/items/${key}/agent-runs`, {});
        const [other] = await runs(key);
        await forge.comment(pull.number, forge.people.writer, "@windshift mend this branch");
        await lookNow(pull.number);
        await eventually("it was looked at", async () => (await synced(pull.id)) !== null);
        expect(await runs(key)).toHaveLength(2);
        const { body } = await admin.get<AgentRunDetail>(`/api/v1/agent-runs/${other?.id}`);
        expect(body.messages).toEqual([]);
        expect((await admin.post(`/api/v1/agent-runs/${other?.id}/cancel`, {})).status).toBeLessThan(300);
        await lookNow(pull.number);
        const next = await eventually(
          "it starts a run",
          async () => (await runs(key))[2] && (await runs(key))[0],
        );
        expect(next).toMatchObject({ trigger: "pr_comment", branch: run.branch });
        await admin.post(`/api/v1/agent-runs/${next.id}/cancel`, {});
        await eventually("its end is said, though it was never worked on", async () =>
          (await written(pull.number)).some(({ body }) => body.includes("ended as canceled")),
        );
      },
      TEST_MS_MAX,
    );

    test(
      "is not started for a pull request that was closed or whose branch is gone, nor credited with a person's push",
      async () => {
        const decided = await proposed({ "decided.txt": "1\n" });
        await forge.comment(decided.pull.number, forge.people.writer, "@windshift too late");
        await lookNow(decided.pull.number);
        await eventually("the comment starts a run", async () => (await runs(decided.key)).length === 2);
        await forge.close(decided.pull.number);
        await lookNow(decided.pull.number);
        await eventually("it is closed", async () => (await row(decided.pull.id)).state === "closed");
        expect(await workspace.claim(decided.key)).toBeUndefined();
        expect((await workspace.ended(decided.key)).detail).toContain("was closed");

        const { key, run, pull } = await proposed({ "again.txt": "1\n" });
        const follow = async (body: string, nth: number) => {
          await forge.comment(pull.number, forge.people.writer, body);
          await lookNow(pull.number);
          await eventually("the comment starts a run", async () => (await runs(key)).length === nth);
        };
        await follow("@windshift look at it", 2);
        const job = await workspace.claim(key);
        if (job === undefined) throw new Error("no job");
        const head = run.head_oid ?? "none";
        const tip = await gitOut(
          ["commit-tree", `${head}^{tree}`, "-p", head, "-m", "A person's"],
          forge.dir,
        );
        await gitOut(["update-ref", `refs/heads/${run.branch}`, tip], forge.dir);
        await workspace.report(job, tip);
        expect((await workspace.ended(key)).reason).toBe("no_changes");
        await follow("@windshift once more", 3);
        await gitOut(["update-ref", "-d", `refs/heads/${run.branch}`], forge.dir);
        expect(await workspace.claim(key)).toBeUndefined();
        const gone = await workspace.ended(key);
        expect([gone.status, gone.detail]).toEqual(["failed", expect.stringContaining("was deleted")]);
        expect(job.repo.branch).toBe(run.branch);
      },
      TEST_MS_MAX,
    );

    test(
      "takes no comment while nobody knows which account is its own",
      async () => {
        const { key, pull } = await proposed({ "own.txt": "o\n" });
        await eventually("it was looked at", async () => (await synced(pull.id)) !== null);
        // A changed credential makes a new client, which asks anew who it is.
        await admin.patch(`/api/v1/connections/${workspace.connection.id}`, { token: forge.tokens.full });
        forge.faults.add({ method: "GET", path: /\/user$/, what: { kind: "answer", status: 404 } });
        await forge.comment(pull.number, forge.agent, "@windshift go on for ever");
        await lookNow(pull.number);
        await eventually("the look failed", async () => (await row(pull.id)).sync_failures === 1);
        await lookNow(pull.number);
        await eventually("a later one did not", async () => (await row(pull.id)).sync_failures === 0);
        expect(await runs(key)).toHaveLength(1);
      },
      TEST_MS_MAX,
    );

    test(
      "follows the others when one of its pull requests cannot be read",
      async () => {
        const dead = await proposed({ "dead.txt": "d\n" });
        const alive = await proposed({ "alive.txt": "a\n" });
        await eventually("both were looked at", async () =>
          (await Promise.all([synced(dead.pull.id), synced(alive.pull.id)])).every((ms) => ms !== null),
        );
        const path = new RegExp(`/${createPath.source.replace(/^\\\/|\$$/g, "")}/${dead.pull.number}$`);
        forge.faults.add({ method: "GET", path, what: { kind: "answer", status: 404 } });
        await lookNow(dead.pull.number);
        await eventually("that look failed", async () => (await row(dead.pull.id)).sync_failures === 1);
        expect((await row(dead.pull.id)).sync_problem).toContain("no such thing");
        await forge.close(alive.pull.number);
        await lookNow(alive.pull.number);
        await eventually("the other is closed", async () => (await row(alive.pull.id)).state === "closed");
      },
      TEST_MS_MAX,
    );

    // The last one: emulate's merge is not in the repository behind it.
    test(
      "whose pull request is merged there ends its item, told by a webhook",
      async () => {
        const { key, pull } = await proposed({ "merged.txt": "m\n" });
        await forge.merge(pull.number);
        // A run that publishes just now finds it merged, and takes that from nobody.
        const known = await row(pull.id);
        await server.forge.openPullRequest({
          runId: known.run_id as RunId,
          workItemId: known.work_item_id,
          repositoryId: known.repository_id,
          title: known.title,
          body: known.body,
          sourceBranch: known.source_branch,
          targetBranch: known.target_branch,
          baseOid: known.base_oid,
          headOid: known.head_oid,
        });
        const secret = workspace.connection.webhook_secret ?? "";
        const delivery = forge.webhook("pull_request", pull.number, secret);
        const sent = await deliver(delivery.headers, delivery.body);
        expect([sent.status, await sent.json()]).toEqual([202, { outcome: "taken" }]);
        const again = await deliver(delivery.headers, delivery.body);
        expect([again.status, await again.json()]).toEqual([202, { outcome: "known" }]);
        await eventually("the item is done", async () => (await item(key)).status === "done");
        expect((await runs(key))[0]?.pull_request?.state).toBe("merged");
        expect(await comments(key)).toContain(`Pull request #${pull.number} was merged`);
      },
      TEST_MS_MAX,
    );

    const row = (id: number) =>
      server.database.kysely
        .selectFrom("pull_requests")
        .selectAll()
        .where("id", "=", id)
        .executeTakeFirstOrThrow();
    const synced = async (id: number) => (await row(id)).synced_at_ms;
    const written = async (number: number) =>
      (
        await server.forgeClients.use(workspace.connection.id, (client) =>
          client.listComments(forge.repository, number, undefined),
        )
      ).comments;
    const lookNow = async (number: number) => {
      const delivery = forge.webhook("comment", number, workspace.connection.webhook_secret ?? "");
      expect((await deliver(delivery.headers, delivery.body)).status).toBe(202);
    };
    const deliver = (headers: Record<string, string>, body: Uint8Array, id = workspace.connection.id) =>
      fetch(`${server.url}/api/webhooks/${id}`, { method: "POST", headers, body: new Uint8Array(body) });
  });
}
