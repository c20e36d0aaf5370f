import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Activity, ActivityPage } from "@windshift/contract/api/activity.ts";
import type { Label } from "@windshift/contract/api/label.ts";
import type { PageDetail } from "@windshift/contract/api/page.ts";
import type { AgentRunList } from "@windshift/contract/api/run.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import {
  create,
  createItem,
  createTestWorkspace,
  startLiveRun,
  type TestWorkspace,
} from "../testing/test-workspace.ts";

let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "ACTS");
});
afterAll(() => server.close());

/** What happened to an item, oldest first. */
async function activityOf(key: string): Promise<Activity[]> {
  const { body } = await admin.get<ActivityPage>(`/api/v1/items/${key}/activity?limit=200`);
  return body.activity.reverse();
}

describe("the activity of an item", () => {
  test("is what people did to it, with values as they were then, in order", async () => {
    const label = await create<Label>(admin, "/api/v1/workspaces/ACTS/labels", { name: "bug" });
    const page = await create<PageDetail>(admin, "/api/v1/workspaces/ACTS/pages", { title: "How" });
    const parent = await createItem(admin, "ACTS", { title: "Goal" });
    const me = (await admin.get<{ id: string }>("/api/v1/me")).body.id;
    const item = await createItem(admin, "ACTS", { title: "One" });
    const at = `/api/v1/items/${item.key}`;
    await admin.patch(at, { title: "Two", description: "x", status: "in_progress", priority: "high" });
    await admin.patch(at, { assignee_id: me, parent_key: parent.key, label_ids: [label.id] });
    await admin.patch(at, { assignee_id: me, title: "Two", label_ids: [label.id] });
    await admin.send("PUT", `${at}/pages/${page.id}`, {});
    const comment = await create<{ id: number }>(admin, `${at}/comments`, { body: "hm" });
    await admin.delete(`/api/v1/comments/${comment.id}`);
    await admin.patch(at, { label_ids: [], parent_key: null });
    await admin.send("DELETE", `${at}/pages/${page.id}`, {});
    await admin.patch(`/api/v1/workspaces/ACTS/labels/${label.id}`, { name: "defect" });
    const ada = { id: me, name: "Ada", kind: "person" };
    const goal = { key: parent.key, title: "Goal" };
    const bug = { id: label.id, name: "bug", color: "#868e96" };
    const activity = await activityOf(item.key);
    expect(activity.map(({ change }) => change)).toEqual([
      { kind: "created" },
      { kind: "title", from: "One", to: "Two" },
      { kind: "description" },
      { kind: "status", from: "todo", to: "in_progress" },
      { kind: "priority", from: "none", to: "high" },
      { kind: "assignee", from: null, to: { ...ada, kind: "person" } },
      { kind: "parent", from: null, to: goal },
      { kind: "label_added", label: bug },
      { kind: "page_linked", page: { id: page.id, title: "How" } },
      { kind: "comment", comment_id: comment.id },
      { kind: "comment_deleted" },
      { kind: "parent", from: goal, to: null },
      { kind: "label_removed", label: bug },
      { kind: "page_unlinked", page: { id: page.id, title: "How" } },
    ]);
    expect(activity.every(({ actor, run_id }) => actor?.name === "Ada" && run_id === null)).toBe(true);
  });

  test("says which run did something, and what became of runs", async () => {
    const live = await startLiveRun(server, admin, workspace);
    const run = server.withToken(live.token);
    await run.patch(`/api/v1/items/${live.item.key}`, { status: "in_review" });
    await run.post(`/api/v1/items/${live.item.key}/comments`, { body: "done" });
    await admin.post(`/api/v1/agent-runs/${live.runId}/cancel`, { force: true });
    const activity = await activityOf(live.item.key);
    expect(activity.map(({ actor, run_id, change }) => [actor?.name, run_id, change.kind])).toEqual([
      ["Ada", null, "created"],
      ["Ada", live.runId, "run_queued"],
      ["Agent ACTS", live.runId, "status"],
      ["Agent ACTS", live.runId, "comment"],
      ["Ada", live.runId, "run_ended"],
    ]);
    expect(activity.at(-1)?.change).toMatchObject({
      kind: "run_ended",
      agent: { id: workspace.agent.id, name: "Agent ACTS", kind: "agent" },
      status: "killed",
      reason: "canceled",
    });
  });

  test("has a run that could not start, as queued and ended", async () => {
    const agent = await create<{ id: string }>(admin, "/api/v1/workspaces/ACTS/agents", { name: "Unbound" });
    const item = await createItem(admin, "ACTS", { assignee_id: agent.id });
    expect((await activityOf(item.key)).map(({ change }) => change)).toMatchObject([
      { kind: "created" },
      { kind: "run_queued" },
      { kind: "run_ended", status: "failed", reason: "misconfigured" },
    ]);
  });

  test("has its pull request, from open to merged, and the status that follows", async () => {
    const item = await createItem(admin, "ACTS", { assignee_id: workspace.agent.id });
    const { body } = await admin.get<AgentRunList>(`/api/v1/items/${item.key}/agent-runs`);
    const runId = body.runs[0]?.id ?? 0;
    await gitOut(["checkout", "-q", "-b", "work"], workspace.workDir);
    await Bun.write(`${workspace.workDir}/b.txt`, "b\n");
    await gitOut(["add", "."], workspace.workDir);
    await gitOut(["commit", "-q", "-m", "Add b"], workspace.workDir);
    const headOid = (await gitOut(["rev-parse", "HEAD"], workspace.workDir)).trim();
    const path = workspace.repository.path ?? "";
    await gitOut(["push", "-q", path, `HEAD:refs/heads/agent-runs/run-${runId}`], workspace.workDir);
    const draft = {
      repositoryId: workspace.repository.id,
      runId,
      workItemId: item.id,
      title: "Add b",
      body: "",
      sourceBranch: `agent-runs/run-${runId}`,
      targetBranch: "main",
      baseOid: workspace.baseOid,
      headOid,
    };
    for (let n = 0; n < 2; n++)
      await server.forge.openPullRequest(draft as Parameters<typeof server.forge.openPullRequest>[0]);
    const { id } = await server.database.kysely
      .selectFrom("pull_requests")
      .select("id")
      .where("run_id", "=", runId)
      .executeTakeFirstOrThrow();
    expect((await admin.delete(`/api/v1/items/${item.key}`)).status).toBe(409);
    for (const act of ["close", "reopen", "ready", "merge"]) {
      const reply = await admin.post(`/api/v1/pull-requests/${id}/${act}`);
      expect([act, reply.status, reply.text]).toEqual([act, 200, expect.anything()]);
    }
    const activity = (await activityOf(item.key)).slice(2);
    expect(activity.map(({ actor, change }) => [actor?.name, change.kind])).toEqual([
      ["Agent ACTS", "pull_request_opened"],
      ["Ada", "pull_request_closed"],
      ["Ada", "pull_request_reopened"],
      ["Ada", "status"],
      ["Ada", "pull_request_merged"],
    ]);
    expect(activity.at(-1)?.change).toMatchObject({ pull_request: { id, title: "Add b", url: null } });
  });
});

describe("the activity of a workspace", () => {
  test("is that of all its items, newest first, page by page", async () => {
    await create(admin, "/api/v1/workspaces", { key: "FEED", name: "x" });
    for (const title of ["a", "b", "c"]) await createItem(admin, "FEED", { title });
    const first = await admin.get<ActivityPage>("/api/v1/workspaces/FEED/activity?limit=2");
    expect(first.body.activity.map(({ item }) => item)).toEqual([
      { key: "FEED-3", title: "c" },
      { key: "FEED-2", title: "b" },
    ]);
    const rest = await admin.get<ActivityPage>(
      `/api/v1/workspaces/FEED/activity?limit=2&before=${first.body.next_before}`,
    );
    expect([rest.body.activity.map(({ item }) => item.key), rest.body.next_before]).toEqual([
      ["FEED-1"],
      null,
    ]);
  });

  test("has nothing of what was rolled back", async () => {
    const before = (await admin.get<ActivityPage>("/api/v1/workspaces/FEED/activity")).body.activity.length;
    expect((await admin.patch("/api/v1/items/FEED-1", { title: "new", label_ids: [99_999] })).status).toBe(
      400,
    );
    const after = (await admin.get<ActivityPage>("/api/v1/workspaces/FEED/activity")).body.activity.length;
    expect(after).toBe(before);
  });
});
