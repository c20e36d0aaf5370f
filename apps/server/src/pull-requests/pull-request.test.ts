import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Commit, Diff, PullRequestDetail } from "@windshift/contract/api/pull-request.ts";
import { RunId } from "@windshift/contract/ids.ts";
import { commitTree, gitOut } from "@windshift/testing/git-repository.ts";
import { readBranch } from "../repositories/local-history.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import {
  createTestWorkspace,
  type LiveRun,
  startLiveRun,
  type TestWorkspace,
} from "../testing/test-workspace.ts";
import { createLocalForge } from "./local-forge.ts";

let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "PULL");
});
afterAll(() => server.close());

const dir = () => workspace.repository.path ?? "";

/** Commits on a run's branch and the pull request its finishing opens. */
async function openFor(
  live: LiveRun,
  files: Record<string, string>,
  message = "Do the work",
): Promise<{ id: number; head: string }> {
  const source = `agent-runs/run-${live.runId}`;
  await gitOut(["checkout", "--quiet", "--detach", workspace.baseOid], workspace.workDir);
  const head = await commitTree(workspace.workDir, { files }, message);
  await gitOut(["push", "--quiet", dir(), `${head}:refs/heads/${source}`], workspace.workDir);
  const forge = createLocalForge({ ...server, baseUrl: server.url });
  const compared = await forge.compare(workspace.repository.id, head, "main");
  if (compared === "unrelated") throw new Error("the branch descends from main");
  const { url } = await forge.openPullRequest({
    runId: RunId.parse(live.runId),
    workItemId: live.item.id,
    repositoryId: workspace.repository.id,
    title: `${live.item.key}: ${live.item.title}`,
    body: "What was done.",
    sourceBranch: source,
    targetBranch: "main",
    baseOid: compared.baseOid,
    headOid: head,
  });
  return { id: Number(url.split("/").at(-1)), head };
}

const at = (id: number, rest = "") => `/api/v1/pull-requests/${id}${rest}`;
const read = async (id: number) => (await admin.get<PullRequestDetail>(at(id))).body;

describe("a pull request", () => {
  test("is a draft of the run's commits, open for review", async () => {
    const live = await startLiveRun(server, admin, workspace);
    const { id, head } = await openFor(live, { "new.txt": "new\n" }, "Add new\n\nRun: 1");
    expect(await read(id)).toMatchObject({
      work_item: live.item.key,
      run_id: live.runId,
      author: { id: workspace.agent.id, kind: "agent" },
      base_oid: workspace.baseOid,
      head_oid: head,
      draft: true,
      state: "open",
      mergeability: { kind: "clean" },
    });
    const { commits } = (await admin.get<{ commits: Commit[] }>(at(id, "/commits"))).body;
    expect(commits.map((c) => [c.oid, c.subject, c.trailers])).toEqual([
      [head, "Add new", [{ key: "Run", value: "1" }]],
    ]);
    const diff = (await admin.get<Diff>(at(id, "/diff"))).body;
    expect(diff).toMatchObject({ files: [{ path: "new.txt", added: 1, removed: 0 }], truncated: false });
    expect(diff.patch).toContain("+new\n");
  });

  test("is opened once per run, however often and at once it is asked for", async () => {
    const live = await startLiveRun(server, admin, workspace);
    const first = await openFor(live, { "once.txt": "1\n" });
    const forge = createLocalForge({ ...server, baseUrl: server.url });
    const draft = {
      runId: RunId.parse(live.runId),
      workItemId: live.item.id,
      repositoryId: workspace.repository.id,
      title: "again",
      body: "",
      sourceBranch: "x",
      targetBranch: "main",
      baseOid: workspace.baseOid,
      headOid: first.head,
    };
    const urls = await Promise.all([1, 2, 3, 4].map(() => forge.openPullRequest(draft)));
    expect(new Set(urls.map((u) => u.url))).toEqual(new Set([`${server.url}/pull-requests/${first.id}`]));
  });

  test("of several runs at once is numbered in its repository without gaps", async () => {
    const lives = [];
    for (let n = 0; n < 3; n++) lives.push(await startLiveRun(server, admin, workspace));
    const forge = createLocalForge({ ...server, baseUrl: server.url });
    await Promise.all(
      lives.map((live) =>
        forge.openPullRequest({
          runId: RunId.parse(live.runId),
          workItemId: live.item.id,
          repositoryId: workspace.repository.id,
          title: "t",
          body: "",
          sourceBranch: "x",
          targetBranch: "main",
          baseOid: workspace.baseOid,
          headOid: workspace.baseOid,
        }),
      ),
    );
    const rows = await server.database.kysely
      .selectFrom("pull_requests")
      .select("number")
      .orderBy("number")
      .execute();
    expect(rows.map((row) => row.number)).toEqual(Array.from({ length: rows.length }, (_, n) => n + 1));
  });

  test("is merged by a member once it is ready, and only then", async () => {
    const { id, head } = await openFor(await startLiveRun(server, admin, workspace), { "merged.txt": "m\n" });
    expect((await admin.post<{ error: { message: string } }>(at(id, "/merge"))).body.error.message).toContain(
      "draft",
    );
    expect((await admin.post(at(id, "/ready"))).body).toMatchObject({ draft: false });
    const merged = await admin.post<PullRequestDetail>(at(id, "/merge"));
    expect(merged.body).toMatchObject({ state: "merged", decided_by: { name: "Ada" }, mergeability: null });
    const target = await readBranch(dir(), "main");
    expect(merged.body.merged_oid).toBe(target ?? "none");
    expect(await gitOut(["log", "-1", "--format=%P %an", "main"], dir())).toEndWith(`${head} Ada`);
    expect((await admin.post(at(id, "/merge"))).status).toBe(200);
    expect(await readBranch(dir(), "main")).toBe(target);
    expect((await admin.post(at(id, "/close"))).status).toBe(409);
    expect((await admin.post(at(id, "/reopen"))).status).toBe(409);
  });

  test("merged by several at once is merged once", async () => {
    const { id, head } = await openFor(await startLiveRun(server, admin, workspace), { "race.txt": "r\n" });
    await admin.post(at(id, "/ready"));
    const replies = await Promise.all([1, 2, 3].map(() => admin.post(at(id, "/merge"))));
    for (const reply of replies) expect(reply.status).toBeOneOf([200, 409]);
    expect((await read(id)).state).toBe("merged");
    const merges = await gitOut(["rev-list", "--merges", "--parents", "main"], dir());
    expect(merges.split("\n").filter((line) => line.endsWith(head))).toHaveLength(1);
  });

  test("whose merge was cut short after git had done it is completed by the next", async () => {
    const { id, head } = await openFor(await startLiveRun(server, admin, workspace), { "crash.txt": "c\n" });
    await admin.post(at(id, "/ready"));
    const main = (await readBranch(dir(), "main")) ?? "";
    const tree = (await gitOut(["merge-tree", "--write-tree", main, head], dir())).split("\n")[0] ?? "";
    const oid = await gitOut(["commit-tree", "-p", main, "-p", head, "-m", "m", tree], dir());
    await gitOut(["update-ref", "refs/heads/main", oid, main], dir());
    expect((await admin.post(at(id, "/merge"))).body).toMatchObject({ state: "merged", merged_oid: oid });
  });

  test("in conflict with a base that moved says so and how to go on", async () => {
    const one = await openFor(await startLiveRun(server, admin, workspace), { "a.txt": "one\nTWO\n" });
    const other = await openFor(await startLiveRun(server, admin, workspace), { "a.txt": "one\n2\n" });
    for (const { id } of [one, other]) await admin.post(at(id, "/ready"));
    expect((await admin.post(at(one.id, "/merge"))).status).toBe(200);
    const main = await readBranch(dir(), "main");
    const refused = await admin.post<{ error: { message: string } }>(at(other.id, "/merge"));
    expect(refused.status).toBe(409);
    expect(refused.body.error.message).toContain("in conflict with this in a.txt");
    expect((await read(other.id)).mergeability).toEqual({ kind: "conflict", paths: ["a.txt"] });
    expect(await readBranch(dir(), "main")).toBe(main);
  });

  test("is closed, and opened again", async () => {
    const { id } = await openFor(await startLiveRun(server, admin, workspace), { "closed.txt": "c\n" });
    expect((await admin.post(at(id, "/close"))).body).toMatchObject({
      state: "closed",
      decided_by: { name: "Ada" },
    });
    expect((await admin.post(at(id, "/merge"))).status).toBe(409);
    expect((await admin.post(at(id, "/reopen"))).body).toMatchObject({ state: "open", decided_by: null });
  });

  test("WB-01 is for members of its workspace: viewers look, others and runs find nothing", async () => {
    const live = await startLiveRun(server, admin, workspace);
    const { id } = await openFor(live, { "seen.txt": "s\n" });
    const { id: viewerId, client: viewer } = await server.addPerson(admin, "Vic");
    await admin.post("/api/v1/workspaces/PULL/members", { user_id: viewerId, role: "viewer" });
    const { client: stranger } = await server.addPerson(admin, "Sue");
    const run = server.withToken(live.token);
    for (const path of ["", "/commits", "/diff"]) {
      const statuses = [];
      for (const client of [viewer, stranger, run]) statuses.push((await client.get(at(id, path))).status);
      expect(statuses).toEqual([200, 404, 404]);
    }
    for (const path of ["/ready", "/merge", "/close", "/reopen"]) {
      const statuses = [];
      for (const client of [viewer, stranger, run]) statuses.push((await client.post(at(id, path))).status);
      expect(statuses).toEqual([403, 404, 404]);
    }
    expect((await read(id)).state).toBe("open");
  });

  test("is listed with the others of its workspace, newest first", async () => {
    const { body } = await admin.get<{ pull_requests: { id: number; state: string }[] }>(
      "/api/v1/workspaces/PULL/pull-requests?state=merged",
    );
    const ids = body.pull_requests.map((p) => p.id);
    expect(ids.length).toBeGreaterThan(2);
    expect(ids).toEqual(ids.toSorted((a, b) => b - a));
    expect(new Set(body.pull_requests.map((p) => p.state))).toEqual(new Set(["merged"]));
  });
});
