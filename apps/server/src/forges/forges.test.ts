import { describe, expect, test } from "bun:test";
import type { Comment } from "@windshift/contract/api/comment.ts";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import type { RunId } from "@windshift/contract/ids.ts";
import { SUMMARY_BYTES_MAX } from "@windshift/contract/limits.ts";
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
  describe(`a run on a ${start.name.replace(/^start|Server$/g, "")} repository`, () => {
    const at = useForgeScene(start, "FORGE");
    const isCreate = ({ method, path }: { method: string; path: string }) =>
      method === "POST" && createPath.test(path);

    test(
      "pushes its branch to the forge and opens a draft there",
      async () => {
        const { key, run, pull } = await at.proposed();
        expect(pull).toMatchObject({ state: "open", draft: true });
        expect(pull.url).toStartWith("http");
        expect(await gitOut(["rev-parse", run.branch], at.forge.dir)).toBe(run.head_oid ?? "none");
        expect(await gitOut(["show", `${run.branch}:fix.txt`], at.forge.dir)).toBe("fixed");
        const refs = await gitOut(["for-each-ref", "--format=%(refname:short)", "refs/heads"], at.forge.dir);
        expect(refs.split("\n").filter((ref) => !ref.startsWith("agent-runs/"))).toEqual(["main"]);
        const { links, status } = await item(at, key);
        expect(links.map((link) => [link.kind, link.url])).toEqual([["pull_request", pull.url ?? ""]]);
        expect(status).toBe("in_review");
        expect(await comments(at, key)).toContain(pull.url ?? "");
        expect(at.forge.violations).toEqual([]);
      },
      FORGE_TEST_MS_MAX,
    );

    test(
      "I3 opens one pull request when the reply to its creation is lost",
      async () => {
        const key = await at.workspace.assign();
        const job = await at.claimed(key);
        at.forge.faults.add({ method: "POST", path: createPath, what: { kind: "lose_reply" } });
        const before = at.forge.faults.log.filter(isCreate).length;
        await at.workspace.work(job, { "lost.txt": "x\n" });
        const run = await at.workspace.ended(key);
        expect([run.status, run.pull_request?.state]).toEqual(["succeeded", "open"]);
        expect(at.forge.faults.log.filter(isCreate).length - before).toBe(1);
      },
      FORGE_TEST_MS_MAX,
    );

    test(
      "opens its pull request however long the summary is",
      async () => {
        const key = await at.workspace.assign();
        const job = await at.claimed(key);
        await at.workspace.work(
          job,
          { "long.txt": "x\n" },
          "@a\n".repeat(SUMMARY_BYTES_MAX).slice(0, SUMMARY_BYTES_MAX),
        );
        const run = await at.workspace.ended(key);
        expect([run.status, run.detail, run.pull_request?.state]).toEqual(["succeeded", null, "open"]);
        expect(at.forge.violations).toEqual([]);
      },
      FORGE_TEST_MS_MAX,
    );

    test(
      "fails with the forge's sentence when its credential was revoked, expired or lacks a scope, and shows it on the connection",
      async () => {
        const path = `/api/v1/connections/${at.workspace.connection.id}`;
        const { revoked, expired, narrow } = at.forge.tokens;
        const cases: [token: string, sentence: RegExp][] = [
          [revoked, /does not accept the credential|was revoked/],
          [expired, /does not accept the credential|is expired/],
        ];
        // GitLab lets it read; that it cannot push is found by the run's git.
        if (at.forge.kind !== "gitlab") cases.push([narrow, /lacks the scope `[\w:]+`/]);
        for (const [token, sentence] of cases) {
          await at.admin.patch(path, { token });
          const key = await at.workspace.assign();
          expect(await at.workspace.claim(key)).toBeUndefined();
          const run = await at.workspace.ended(key);
          expect([run.status, run.reason]).toEqual(["failed", "misconfigured"]);
          expect(run.detail).toMatch(sentence);
          const { body } = await at.admin.get<{ check_problem: string | null }>(path);
          expect(body.check_problem).toBe(run.detail ?? "none");
          expect(run.detail).not.toContain(token);
          const checked = await at.admin.post<{ ok: boolean; message: string }>(`${path}/check`);
          expect(checked.body).toMatchObject({ ok: false });
        }
        await at.admin.patch(path, { token: at.forge.tokens.full });
        expect((await at.admin.post<{ ok: boolean }>(`${path}/check`)).body.ok).toBe(true);
        expect((await at.admin.get<{ check_problem: string | null }>(path)).body.check_problem).toBeNull();
      },
      FORGE_TEST_MS_MAX,
    );

    test(
      "whose pull request the forge refused is published again by a member",
      async () => {
        const key = await at.workspace.assign();
        const job = await at.claimed(key);
        at.forge.faults.add({ method: "POST", path: createPath, what: { kind: "answer", status: 403 } });
        await at.workspace.work(job, { "again.txt": "x\n" });
        const failed = await at.workspace.ended(key);
        expect([failed.status, failed.pull_request, failed.can_publish_again]).toEqual([
          "failed",
          null,
          true,
        ]);
        expect((await at.admin.post(`/api/v1/agent-runs/${failed.id}/publish`)).status).toBe(200);
        const run = await at.workspace.ended(key);
        expect([run.status, run.pull_request?.state, run.can_publish_again]).toEqual([
          "succeeded",
          "open",
          false,
        ]);
        expect((await at.admin.post(`/api/v1/agent-runs/${failed.id}/publish`)).status).toBe(409);
      },
      FORGE_TEST_MS_MAX,
    );

    test(
      "WB-20 a webhook that is not signed, or for another connection, or too large changes nothing",
      async () => {
        const { key, pull } = await at.proposed({ "closed.txt": "c\n" });
        await at.looked(pull.id);
        await at.forge.close(pull.number);
        const { headers, body } = at.forge.webhook("pull_request", pull.number, "wrong-secret-0123456789");
        const bad = await at.deliver(headers, body);
        const other = await at.deliver(headers, body, at.workspace.connection.id + 1);
        const none = await at.deliver({ "content-type": "application/json" }, body);
        const texts = await Promise.all([bad, other, none].map((reply) => reply.text()));
        expect([bad.status, other.status, none.status]).toEqual([401, 401, 401]);
        expect(new Set(texts).size).toBe(1);
        const large = await at.deliver(headers, new Uint8Array(25 * 1_048_576));
        expect(large.status).toBe(413);
        expect(await synced(at, pull.id)).not.toBeNull();
        expect((await at.runsOf(key))[0]?.pull_request?.state).toBe("open");
        const secret = at.workspace.connection.webhook_secret ?? "";
        const good = at.forge.webhook("pull_request", pull.number, secret);
        expect((await at.deliver(good.headers, good.body)).status).toBe(202);
        await eventually(
          "it is closed",
          async () => (await at.runsOf(key))[0]?.pull_request?.state === "closed",
        );
        expect((await item(at, key)).status).toBe("in_review");
      },
      FORGE_TEST_MS_MAX,
    );

    test(
      "lists the repositories of its connection and takes none that is not there",
      async () => {
        const path = `/api/v1/connections/${at.workspace.connection.id}/repositories`;
        const { body } = await at.admin.get<{ repositories: object[] }>(
          `${path}?search=${at.forge.repository.name}`,
        );
        expect(body.repositories).toContainEqual(
          expect.objectContaining({ ...at.forge.repository, default_branch: "main" }),
        );
        const wrong = await at.admin.post<{ error: { details: { path: string }[] } }>(
          "/api/v1/workspaces/FORGE/repositories",
          { connection_id: at.workspace.connection.id, owner: "nobody", name: "nothing" },
        );
        expect([wrong.status, wrong.body.error.details[0]?.path]).toEqual([400, "name"]);
        expect(at.workspace.repository).toMatchObject({ default_branch: "main" });
        expect(at.workspace.repository.path).toBeUndefined();
      },
      FORGE_TEST_MS_MAX,
    );

    test(
      "is not taken in by a credential that cannot push to it, and the check says what to grant",
      async () => {
        const { forge, workspace } = at;
        const all = "/api/v1/workspaces/FORGE/connections";
        for (const { token, grant } of forge.weakTokens) {
          const made = await at.admin.post<{ id: number }>(all, {
            kind: "git",
            provider: forge.kind,
            name: grant,
            base_url: forge.url,
            token,
          });
          expect(made.status).toBe(201);
          const refused = await at.admin.post<{ error: { message: string; details: { path: string }[] } }>(
            "/api/v1/workspaces/FORGE/repositories",
            { connection_id: made.body.id, ...forge.repository },
          );
          expect([refused.status, refused.body.error.details[0]?.path]).toEqual([400, "connection_id"]);
          expect(refused.body.error.message).toContain(grant);
          expect(refused.text).not.toContain(token);
        }
        const path = `/api/v1/connections/${workspace.connection.id}`;
        await forge.setAgentAccess("read");
        const checked = await at.admin.post<{ ok: boolean; message: string }>(`${path}/check`);
        expect(checked.body).toEqual({ ok: false, message: expect.stringContaining("may not push to") });
        expect((await at.admin.get<{ check_problem: string }>(path)).body.check_problem).toBe(
          checked.body.message,
        );
        await forge.setAgentAccess("admin");
        const mended = await at.admin.post<{ ok: boolean; message: string }>(`${path}/check`);
        expect(mended.body).toEqual({ ok: true, message: expect.stringContaining("Connected as") });
      },
      FORGE_TEST_MS_MAX,
    );

    // The last one: emulate's merge is not in the repository behind it.
    test(
      "whose pull request is merged there ends its item, told by a webhook",
      async () => {
        const { key, pull } = await at.proposed({ "merged.txt": "m\n" });
        await at.forge.merge(pull.number);
        // A run that publishes just now finds it merged, and takes that from nobody.
        const known = await at.pullRow(pull.id);
        await at.server.forge.openPullRequest({
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
        const secret = at.workspace.connection.webhook_secret ?? "";
        const delivery = at.forge.webhook("pull_request", pull.number, secret);
        const sent = await at.deliver(delivery.headers, delivery.body);
        expect([sent.status, await sent.json()]).toEqual([202, { outcome: "taken" }]);
        const again = await at.deliver(delivery.headers, delivery.body);
        expect([again.status, await again.json()]).toEqual([202, { outcome: "known" }]);
        await eventually("the item is done", async () => (await item(at, key)).status === "done");
        expect((await at.runsOf(key))[0]?.pull_request?.state).toBe("merged");
        expect(await comments(at, key)).toContain(`Pull request #${pull.number} was merged`);
      },
      FORGE_TEST_MS_MAX,
    );
  });
}

const item = async (at: ForgeScene, key: string) =>
  (await at.admin.get<WorkItemDetail>(`/api/v1/items/${key}`)).body;
const comments = async (at: ForgeScene, key: string) =>
  (await at.admin.get<{ comments: Comment[] }>(`/api/v1/items/${key}/comments`)).body.comments
    .map((comment) => comment.body)
    .join("\n--\n");
const synced = async (at: ForgeScene, id: number) => (await at.pullRow(id)).synced_at_ms;
