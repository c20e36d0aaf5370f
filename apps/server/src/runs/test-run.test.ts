import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { git } from "@windshift/base/git.ts";
import type { AgentRun, AgentRunDetail, AgentRunPage } from "@windshift/contract/api/run.ts";
import type { WorkItemDetail, WorkItemPage } from "@windshift/contract/api/work-item.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { COMPLETED_RESULT } from "../testing/completed-result.ts";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, type TestHost } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { create, createItem, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";
import { runPublishingLoop } from "./publishing-loop.ts";

/** A server, git and a workspace for each file; a loaded machine takes long for them, ms. */
setDefaultTimeout(60_000);

const ending = new AbortController();
let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
let host: TestHost;
let loop: Promise<void>;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "TRY");
  host = await addHost(server, admin, await createPool(admin, { name: "hosts" }));
  await admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { pool: "hosts" });
  const { database, forge, url: baseUrl } = server;
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  loop = runPublishingLoop(
    { database, forge, defaults: { llmModel: undefined }, baseUrl },
    log,
    ending.signal,
  );
});
afterAll(async () => {
  ending.abort();
  await loop;
  await server.close();
});

const at = () => `/api/v1/bindings/${workspace.binding.id}/test-runs`;
const start = () => create<AgentRun>(admin, at(), { instruction: "Fix the spelling." });
const detailOf = async (id: number) => (await admin.get<AgentRunDetail>(`/api/v1/agent-runs/${id}`)).body;
const ended = (id: number) =>
  eventually("the run ends", async () => {
    const run = await detailOf(id);
    return isTerminal(run.status) && run;
  });
const RESULT = { ...COMPLETED_RESULT, summary: "Fixed." };
const DELIVERED = {
  files: [{ path: "README.md", status: "modified", added: 1, deleted: 1 }],
  more: 0,
  patch: { text: "--- a/README.md\n+++ b/README.md\n\0\n", truncated: false },
};

describe("a test run of a binding", () => {
  test("does the work on an item that no list shows, and leaves it as a patch", async () => {
    const run = await start();
    expect(run).toMatchObject({ trigger: "test", status: "queued", item_title: "Test of Agent TRY" });
    const job = await host.claimed();
    expect(job).toMatchObject({ run_id: run.id, push: false });
    expect(job.initial_prompt).toContain("Fix the spelling.");
    expect((await host.result(job.run_id, { ...RESULT, attempt: 1, delivered: DELIVERED })).status).toBe(200);
    expect(await ended(run.id)).toMatchObject({
      status: "succeeded",
      reason: "completed",
      summary: "Fixed.",
      pull_request: null,
      head_oid: null,
      has_patch: true,
      files_changed: DELIVERED.files,
      grants: { push: false, model: "scripted-1", repository: "acme/project" },
      steps: [],
    });
    const patch = await admin.get(`/api/v1/agent-runs/${run.id}/patch`);
    expect(patch.text).toBe("--- a/README.md\n+++ b/README.md\n\ufffd\n");
    expect(patch.headers.get("content-disposition")).toBe(`attachment; filename="run-${run.id}.patch"`);
    expect(patch.headers.get("x-content-type-options")).toBe("nosniff");
    const { items } = (await admin.get<WorkItemPage>("/api/v1/workspaces/TRY/items")).body;
    expect(items.map(({ key }) => key)).not.toContain(run.item_key);
    const listed = async (query: string) =>
      (await admin.get<AgentRunPage>(`/api/v1/workspaces/TRY/agent-runs${query}`)).body.runs.map(
        ({ id }) => id,
      );
    expect(await listed("")).not.toContain(run.id);
    expect(await listed("?trigger=test")).toContain(run.id);
    expect((await admin.get<AgentRunPage>(at())).body.runs[0]?.id).toBe(run.id);
    const comments = await admin.get<{ comments: unknown[] }>(`/api/v1/items/${run.item_key}/comments`);
    expect(comments.body.comments).toEqual([]);
  });

  test("that changes nothing says so, and has no patch", async () => {
    const run = await start();
    const job = await host.claimed();
    await host.result(job.run_id, { ...RESULT, attempt: 1 });
    expect(await ended(run.id)).toMatchObject({
      status: "succeeded",
      reason: "no_changes",
      has_patch: false,
    });
    expect((await admin.get(`/api/v1/agent-runs/${run.id}/patch`)).status).toBe(404);
  });

  test("cannot push, whatever its runner does: the broker refuses the run's own branch and all others", async () => {
    await start();
    const job = await host.claimed();
    const clone = await gitAs(job, ["clone", "--quiet", job.repo.clone_url, "."]);
    expect([clone.exitCode, clone.stderr]).toEqual([0, ""]);
    for (const ref of [
      `refs/heads/${job.repo.branch}`,
      "refs/heads/main",
      "refs/heads/other",
      "refs/tags/v1",
    ]) {
      const push = await gitAs(job, ["push", job.repo.clone_url, `HEAD:${ref}`]);
      expect(push.exitCode).not.toBe(0);
      expect(push.stderr).toContain("403");
    }
    const refs = await gitOut(["for-each-ref", "--format=%(refname)"], workspace.repository.path ?? "");
    expect(refs.trim()).toBe("refs/heads/main");
    const refused = await server.database.kysely
      .selectFrom("audit_log")
      .select("data")
      .where("action", "=", "push.refused")
      .where("subject", "=", `run ${job.run_id}`)
      .execute();
    expect(refused).toHaveLength(4);
    expect(refused[0]?.data).toContain("this run may push nothing");
    await host.result(job.run_id, { ...RESULT, attempt: 1 });
  });

  test("tries a binding that is switched off, and is not run again as anything else", async () => {
    await admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { enabled: false });
    const run = await start();
    expect(run.status).toBe("queued");
    const again = await admin.post(`/api/v1/items/${run.item_key}/agent-runs`, {});
    expect([again.status, again.text]).toEqual([409, expect.stringContaining("test run")]);
    await admin.post(`/api/v1/agent-runs/${run.id}/cancel`, { force: true });
    await admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { enabled: true });
    const other = await createItem(admin, "TRY", { assignee_id: workspace.agent.id });
    expect(other.key).not.toBe(run.item_key);
    await host.result((await host.claimed()).run_id, { ...RESULT, attempt: 1 });
  });

  test("leaves an item that no comment and no assignment turns into a run that pushes", async () => {
    const run = await start();
    const job = await host.claimed();
    const at = `/api/v1/items/${run.item_key}`;
    const call = () => admin.post(`${at}/comments`, { body: "@agent-try now push it" });
    expect((await call()).status).toBe(201);
    expect((await detailOf(run.id)).messages).toMatchObject([{ body: "@agent-try now push it" }]);
    await admin.post(`/api/v1/agent-runs/${run.id}/cancel`, { force: true });
    await host.result(job.run_id, { ...RESULT, attempt: 1 });
    const assign = () => admin.patch(at, { assignee_id: workspace.agent.id });
    for (const trigger of [call, assign]) {
      const refused = await trigger();
      expect([refused.status, refused.text]).toEqual([
        409,
        expect.stringContaining("test the binding again"),
      ]);
    }
    expect((await admin.post(`${at}/comments`, { body: "a word to people" })).status).toBe(201);
    const { runs } = (await admin.get<AgentRunPage>(`${at}/agent-runs`)).body;
    expect(runs.map(({ trigger, status }) => [trigger, status])).toEqual([["test", "killed"]]);
    expect((await admin.get<WorkItemDetail>(at)).body.assignee).toBeNull();
    const { comments } = (await admin.get<{ comments: { body: string }[] }>(`${at}/comments`)).body;
    expect(comments.map(({ body }) => body)).toEqual(["@agent-try now push it", "a word to people"]);
  });

  test("is for admins of the workspace, says what it needs, and is in the audit log", async () => {
    const member = await server.addPerson(admin, "Mia");
    await admin.post("/api/v1/workspaces/TRY/members", { user_id: member.id, role: "member" });
    const outsider = await server.addPerson(admin, "Olaf");
    expect((await member.client.post(at(), { instruction: "x" })).status).toBe(403);
    expect((await member.client.get(at())).status).toBe(403);
    expect((await member.client.get("/api/v1/workspaces/TRY/agent-runs?trigger=test")).status).toBe(403);
    expect((await member.client.get("/api/v1/workspaces/TRY/agent-runs")).status).toBe(200);
    expect((await outsider.client.post(at(), { instruction: "x" })).status).toBe(404);
    const empty = await admin.post<{ error: { details: { path: string }[] } }>(at(), { instruction: " " });
    expect([empty.status, empty.body.error.details[0]?.path]).toEqual([400, "instruction"]);
    const audited = await server.database.kysely
      .selectFrom("audit_log")
      .select("subject")
      .where("action", "=", "binding.tested")
      .execute();
    expect(audited.length).toBeGreaterThan(0);
    expect(audited[0]?.subject).toBe(`binding ${workspace.binding.id}`);
  });
});

let folders = 0;
let last: string;
/** Runs git with the run's git token, as a runner would that does not care what its job says; a clone makes a folder. */
async function gitAs(job: JobSpec, args: string[]) {
  if (args[0] === "clone") {
    last = `${workspace.workDir}-${++folders}`;
    await Bun.$`mkdir -p ${last}`.quiet();
  }
  const header = `Authorization: Basic ${btoa(`run:${job.tokens.git}`)}`;
  return git(["-c", `http.extraHeader=${header}`, ...args], {
    cwd: last,
    timeoutMs: 30_000,
    protocols: "http",
  });
}
